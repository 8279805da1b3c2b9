"""Several hosts: one is cut off from the database while it works, and comes back later."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.crash.apart import LEASE
from workflow.testing.postgres import installed

pytestmark = pytest.mark.slow


def ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PermissionError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


@pytest.fixture
def network(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Make a namespace for the database and two for hosts, each with a link to it."""
    if request.config.getoption("database") != "postgresql":
        pytest.skip("several hosts need a database server")
    if installed() is None or shutil.which("ip") is None:
        pytest.skip("needs an installed PostgreSQL, and iproute2")
    mine = f"esc{os.getpid() % 100_000}"
    with ExitStack() as made:

        def namespace(name: str) -> str:
            ip("netns", "add", name)
            made.callback(ip, "netns", "delete", name)
            ip("-n", name, "link", "set", "lo", "up")
            return name

        try:
            names = [namespace(f"{mine}d")]
            for number in (1, 2):
                host, here = namespace(f"{mine}h{number}"), f"{mine}v{number}"
                ip("-n", names[0], "link", "add", here, "type", "veth", "peer", "up0")
                ip("-n", names[0], "link", "set", "up0", "netns", host)
                for where, what, last in ((names[0], here, 1), (host, "up0", 2)):
                    ip("-n", where, "addr", "add", f"198.18.{number}.{last}/30", "dev", what)
                    ip("-n", where, "link", "set", what, "up")
                names += [host, here, f"198.18.{number}.1"]
        except PermissionError as error:
            pytest.skip(f"no network namespaces here: {error}")
        yield names


def test_a_host_is_cut_off_and_comes_back(network: list[str], tmp_path: Path) -> None:
    database, *hosts = network
    folder = Path(os.environ["ESCAPEMENT_TEST_FOLDER"]) / "apart"
    folder.mkdir()
    for each in (folder, folder.parent):
        each.chmod(0o755)
    done = subprocess.run(
        [
            *("ip", "netns", "exec", database),
            *(sys.executable, "-m", "tests.crash.apart", str(folder), *hosts),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["stranded"] > 0, "nothing was held when the host was cut off"
    assert told["alone_seconds"] < LEASE + 20
    assert not told["faults"]
    assert not told["unfinished"]
