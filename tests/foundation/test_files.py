"""What is handed on names neither the machine it was made on nor a place to fetch from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.foundation.files import files, name

LOCKS = sorted((PROJECT / "requirements").glob("*.txt"))
PACKAGE = re.compile(
    r"^([a-z0-9][a-z0-9._-]*)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.M
)

OF_A_MACHINE = {
    "a home folder": r"(?<![\w.>])/(?:root|home/\w+|Users/\w+)/",
    "a working folder": r"(?<![\w.>])/(?:work|workspace|builds|mnt)/",
    "a temporary file": r"(?<![\w.>])/tmp/\w",
    "a registry": r"\b(?:pypi|pythonhosted|npmjs)\.[a-z]",
    "an index of packages": r"index-url[ =]+\w+:",
    "an address in a private network": r"\b(?:10|192\.168)\.\d+\.\d+\.\d+\b",
}
PRODUCT = ["audit", "config", "workflow", "templates", "requirements", "run.py", "manage.py"]
ADDRESS = re.compile(r"https?://([\w.-]+)")
NAMESPACES = {"www.w3.org", "www.xes-standard.org"}
HERE = {"127.0.0.1", "localhost", "host", "HOST"}


@pytest.mark.parametrize("pattern", OF_A_MACHINE.values(), ids=OF_A_MACHINE)
def test_no_file_names_what_only_one_machine_has(pattern: str) -> None:
    found = [
        f"{name(path)}: {match[0]}"
        for path in files()
        for match in re.finditer(pattern, path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_file_names_the_folder_that_this_copy_is_in() -> None:
    assert [
        name(path) for path in files() if f"{PROJECT}/" in path.read_text(encoding="utf-8")
    ] == []


def test_the_files_are_found() -> None:
    names = {name(path) for path in files()}
    assert {"run.py", ".ci/run", "audit/chain.py", "requirements/base.txt", "README.md"} <= names
    assert not any(each.startswith((".venv/", "var/", ".git/")) for each in names)


def test_the_product_names_no_host() -> None:
    """No asset, telemetry or service of others: a namespace is a name, not an address."""
    hosts = {
        f"{name(path)}: {host}"
        for part in PRODUCT
        for path in (files(PROJECT / part) if (PROJECT / part).is_dir() else [PROJECT / part])
        for host in ADDRESS.findall(path.read_text(encoding="utf-8"))
        if host not in NAMESPACES | HERE
    }
    assert hosts == set()


class TestLocks:
    def test_there_is_one_for_each_purpose(self) -> None:
        assert [lock.stem for lock in LOCKS] == ["base", "dev", "mssql"]

    @pytest.mark.parametrize("lock", LOCKS, ids=name)
    def test_it_names_packages_and_hashes_and_no_place(self, lock: Path) -> None:
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        assert "file:" not in text
        remark, *_ = text.splitlines()
        assert remark == "# Made by `python run.py lock`."
        rest = PACKAGE.sub("", text.removeprefix(remark))
        assert rest.strip() == "", "a line is no package with hashes"

    @pytest.mark.parametrize("lock", LOCKS, ids=name)
    def test_no_package_twice(self, lock: Path) -> None:
        packages = [found[0] for found in PACKAGE.findall(lock.read_text(encoding="utf-8"))]
        assert len(packages) > 10
        assert len(set(packages)) == len(packages)

    @pytest.mark.parametrize(
        ("less", "more"),
        [
            ("base", "dev"),
            ("base", "mssql"),
            ("mssql", "dev"),
        ],
    )
    def test_a_larger_one_has_the_versions_of_the_smaller(self, less: str, more: str) -> None:
        """What is tested is what is run."""
        one, other = (
            {
                (found[0], found[1])
                for found in PACKAGE.findall(
                    (PROJECT / f"requirements/{kind}.txt").read_text(encoding="utf-8")
                )
            }
            for kind in (less, more)
        )
        assert one - other == set()

    def test_what_is_declared_is_locked(self) -> None:
        import tomllib

        project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
        extras = project["optional-dependencies"]
        for lock, declared in zip(
            LOCKS,
            (
                project["dependencies"],
                [*project["dependencies"], *extras["dev"], *extras["mssql"]],
                [*project["dependencies"], *extras["mssql"]],
            ),
            strict=True,
        ):
            locked = {found[0] for found in PACKAGE.findall(lock.read_text(encoding="utf-8"))}
            wanted = {re.split(r"[<>=~!\[; ]", each)[0].lower() for each in declared}
            assert wanted <= locked, lock.name
