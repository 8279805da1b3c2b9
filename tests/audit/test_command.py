"""`audit_verify`: what it says, and with which exit code."""

from __future__ import annotations

import io
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from audit.management.commands import audit_verify
from tests.audit.rows import entry, forge, make_chain, remove
from tests.conftest import Manage


def run(*arguments: str) -> tuple[str, str]:
    """Return what the command writes to standard output and to standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command("audit_verify", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.django_db
class TestSaying:
    def test_an_empty_trail_is_sound(self) -> None:
        assert run() == ("Sound: 0 entries in 0 chains, 0 seals.\n", "")

    def test_a_sound_trail(self) -> None:
        make_chain(3)
        make_chain(1)
        assert run() == (
            "Sound: 4 entries in 2 chains, 0 seals.\n4 entries are not sealed yet.\n",
            "",
        )

    def test_one_chain(self) -> None:
        chain = make_chain(3)
        forge(entry(make_chain(2), 1), actor="Eve")
        assert run("--chain", str(chain)) == (
            "Sound: 3 entries in 1 chains, 0 seals.\n3 entries are not sealed yet.\n",
            "",
        )

    def test_each_broken_chain_with_its_first_bad_entry(self) -> None:
        altered, robbed, sound = sorted(make_chain(3) for _ in range(3))
        forge(entry(altered, 2), reason="another")
        forge(entry(altered, 3), reason="another")
        remove(entry(robbed, 1))
        err = io.StringIO()
        with pytest.raises(
            CommandError, match=r"^The trail is broken in 2 places; read 8 entries in 3 chains"
        ):
            call_command("audit_verify", stderr=err)
        assert err.getvalue().splitlines() == [
            f"chain {altered}: edited: entry 2 was altered: its content does not give its digest",
            f"chain {robbed}: missing: entry 1 is missing before entry 2",
        ]
        assert str(sound) not in err.getvalue()

    def test_a_flood_of_broken_chains_is_cut_but_counted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(audit_verify, "_SHOWN", 2)
        for _ in range(3):
            forge(entry(make_chain(1), 1), actor="Eve")
        err = io.StringIO()
        with pytest.raises(CommandError, match=r"broken in 3 places"):
            call_command("audit_verify", stderr=err)
        assert err.getvalue().count("was altered") == 2

    def test_a_chain_that_is_not_there(self) -> None:
        """Silence would read as "sound"."""
        missing = str(uuid4())
        with pytest.raises(CommandError, match=f"No chain {missing}"):
            run("--chain", missing)

    def test_an_id_that_is_none(self) -> None:
        with pytest.raises(CommandError, match="--chain 'D-1' is no id; copy it from the record"):
            run("--chain", "D-1")

    def test_progress_while_it_takes_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audit_verify, "_SAY_EVERY", -1.0)
        make_chain(3)
        assert run()[1].endswith(" a second ...\n")


class TestExiting:
    def test_with_0_on_an_empty_trail(self, manage: Manage) -> None:
        done = manage("audit_verify")
        assert (done.returncode, done.stdout) == (0, "Sound: 0 entries in 0 chains, 0 seals.\n")

    def test_with_1_on_a_broken_one_without_a_traceback(self, manage: Manage) -> None:
        chain = make_chain(3)
        forge(entry(chain, 2), actor="Eve")
        done = manage("audit_verify")
        assert (done.returncode, done.stdout) == (1, "")
        assert f"chain {chain}: edited: entry 2 was altered" in done.stderr
        assert "broken in 1 places" in done.stderr
        assert "Traceback" not in done.stderr
