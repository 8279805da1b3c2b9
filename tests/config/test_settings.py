"""What the environment decides, what holds without it, and what is said of a bad value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.config.loading import load

POSTGRESQL = {
    "options": "-c idle_in_transaction_session_timeout=60000",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
    "prepare_threshold": 5,
}


class TestDatabase:
    def test_without_a_word_it_is_a_file_of_this_installation(self, tmp_path: Path) -> None:
        settings = load(tmp_path)
        database = settings["DATABASES"]["default"]
        assert database["ENGINE"] == "django.db.backends.sqlite3"
        assert Path(database["NAME"]) == Path(settings["VAR_DIR"], "escapement.sqlite3")
        assert Path(settings["VAR_DIR"]).is_dir()
        assert list(settings["DATABASES"]) == ["default"]

    def test_sqlite_takes_the_lock_first_and_survives_a_power_cut(self, tmp_path: Path) -> None:
        options = load(tmp_path)["DATABASES"]["default"]["OPTIONS"]
        assert options["transaction_mode"] == "IMMEDIATE"
        assert options["timeout"] >= 10
        assert "journal_mode=WAL" in options["init_command"]
        assert "synchronous=FULL" in options["init_command"]

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            (
                "postgres://ann:p%40ss%2F@db.example:5433/records",
                {"ENGINE": "django.db.backends.postgresql", "PASSWORD": "p@ss/", "PORT": 5433},
            ),
            (
                "postgresql://ann:p@db.example/records?sslmode=require",
                {
                    "ENGINE": "django.db.backends.postgresql",
                    "OPTIONS": {**POSTGRESQL, "sslmode": "require"},
                },
            ),
            (
                "mssql://ann:p@db.example:1433/records",
                {
                    "ENGINE": "mssql",
                    "TIME_ZONE": "UTC",
                    "PORT": 1433,
                    "OPTIONS": {"python_driver": "mssql_python"},
                },
            ),
            (
                "mssql://ann:p@db.example/records?extra_params=Encrypt=yes",
                {
                    "TIME_ZONE": "UTC",
                    "OPTIONS": {"python_driver": "mssql_python", "extra_params": "Encrypt=yes"},
                },
            ),
            (
                "sqlite:///data/other.sqlite3",
                {"ENGINE": "django.db.backends.sqlite3", "NAME": "data/other.sqlite3"},
            ),
        ],
        ids=["postgres", "postgres options", "mssql", "mssql options", "sqlite"],
    )
    def test_its_address(self, tmp_path: Path, url: str, expected: dict[str, Any]) -> None:
        database = load(tmp_path, SECRET_KEY="k", DATABASE_URL=url)["DATABASES"]["default"]
        assert {name: database[name] for name in expected} == expected
        if "sqlite" not in url:
            named = {name: database[name] for name in ("NAME", "HOST", "USER")}
            assert named == {"NAME": "records", "HOST": "db.example", "USER": "ann"}

    @pytest.mark.parametrize(("lease", "allowed"), [("30", 60_000), ("2", 15_000)])
    def test_postgresql_ends_a_session_that_stands_in_its_transaction_for_two_leases(
        self, tmp_path: Path, lease: str, allowed: int
    ) -> None:
        """A host that was cut off has left its locks there."""
        url = "postgres://ann:p@db.example/records"
        settings = load(tmp_path, SECRET_KEY="k", DATABASE_URL=url, LEASE_SECONDS=lease)
        told = settings["DATABASES"]["default"]["OPTIONS"]["options"]
        assert told == f"-c idle_in_transaction_session_timeout={allowed}"

    @pytest.mark.parametrize(("told", "threshold"), [({}, 5), ({"DATABASE_PREPARES": "no"}, None)])
    def test_statements_are_prepared_unless_a_pooler_forbids_it(
        self, tmp_path: Path, told: dict[str, str], threshold: int | None
    ) -> None:
        settings = load(tmp_path, SECRET_KEY="k", DATABASE_URL="postgres://a:b@h/n", **told)
        assert settings["DATABASES"]["default"]["OPTIONS"]["prepare_threshold"] == threshold

    @pytest.mark.parametrize("url", ["postgres://a:b@h/n", "mssql://a:b@h/n", "sqlite:///n"])
    def test_connections_are_kept_and_checked_and_never_pooled(
        self, tmp_path: Path, url: str
    ) -> None:
        settings = load(tmp_path, SECRET_KEY="k", DATABASE_URL=url)
        database = settings["DATABASES"]["default"]
        assert database["CONN_MAX_AGE"] is None
        assert database["CONN_HEALTH_CHECKS"] is True
        assert settings["DATABASE_CONNECTION_POOLING"] is False
        assert "pool" not in database["OPTIONS"]


class TestSecurity:
    SECURE = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")

    def test_without_a_word_it_is_that_of_production(self, tmp_path: Path) -> None:
        settings = load(tmp_path)
        assert [settings[name] for name in self.SECURE] == [True] * 3
        assert settings["DEBUG"] is False
        assert settings["INSECURE_HTTP"] is False
        assert settings["SECURE_HSTS_SECONDS"] == 365 * 24 * 3600
        assert settings["SESSION_COOKIE_HTTPONLY"] is True
        assert settings["LOG_FORMAT"] == "json"
        assert "*" not in settings["ALLOWED_HOSTS"]

    def test_plain_http_has_to_be_asked_for(self, tmp_path: Path) -> None:
        settings = load(tmp_path, INSECURE_HTTP="true")
        assert [settings[name] for name in self.SECURE] == [False] * 3
        assert settings["SECURE_HSTS_SECONDS"] == 0
        assert settings["DEBUG"] is False

    @pytest.mark.parametrize("value", ["maybe", "ture", "", "off", "0"])
    def test_what_is_not_a_clear_yes_is_a_no(self, tmp_path: Path, value: str) -> None:
        settings = load(tmp_path, INSECURE_HTTP=value, DEBUG=value)
        assert settings["SESSION_COOKIE_SECURE"] is True
        assert settings["DEBUG"] is False

    def test_lists_are_separated_by_commas(self, tmp_path: Path) -> None:
        settings = load(
            tmp_path,
            ALLOWED_HOSTS="a.example,b.example",
            CSRF_TRUSTED_ORIGINS="https://a.example",
            TASKS="one.two,three.four",
        )
        assert settings["ALLOWED_HOSTS"] == ["a.example", "b.example"]
        assert settings["CSRF_TRUSTED_ORIGINS"] == ["https://a.example"]
        assert settings["ESCAPEMENT"]["TASKS"] == ["one.two", "three.four"]

    def test_without_a_word_no_ordinary_task_may_run(self, tmp_path: Path) -> None:
        assert load(tmp_path)["ESCAPEMENT"]["TASKS"] == []


class TestWork:
    @pytest.mark.parametrize("workers", [1, 7])
    def test_one_wake_up_a_worker(self, tmp_path: Path, workers: int) -> None:
        cluster = load(tmp_path, WORKERS=str(workers))["Q_CLUSTER"]
        assert (cluster["workers"], cluster["queue_limit"]) == (workers, workers)

    def test_the_queue_is_set_as_was_measured(self, tmp_path: Path) -> None:
        cluster = load(tmp_path)["Q_CLUSTER"]
        expected = {
            "orm": "default",
            "broker_class": "workflow.worker.broker.EnvelopeBroker",
            "save_limit": -1,
            "bulk": 1,
        }
        assert {name: cluster[name] for name in expected} == expected
        assert isinstance(cluster["timeout"], int)
        assert cluster["retry"] > cluster["timeout"]

    def test_bounds(self, tmp_path: Path) -> None:
        chosen = {
            "LEASE_SECONDS": "7.5",
            "BATCH_SIZE": "9",
            "PAYLOAD_LIMIT_BYTES": "100",
            "DRAIN_SECONDS": "2",
        }
        told = load(tmp_path, **chosen)["ESCAPEMENT"]
        assert {name: told[name] for name in chosen} == {
            name: float(value) for name, value in chosen.items()
        }
