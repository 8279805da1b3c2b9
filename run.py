"""Start here: `python run.py demo` shows the product, `python run.py test` tests it.

Needs nothing but Python 3.11: makes `.venv` beside this file, installs what the lock names, and
runs the command in it. The second time it starts at once.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOCKS = ROOT / "requirements"
OLDEST = (3, 11)
PROCESSES = "3"
"""Of pytest: more than a small machine has cores, since many tests wait for what they killed."""

SOME_FAILED = 1
"""Exit code of pytest: the tests ran, and not all passed."""

RESOLVE = (
    "--quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate"
    " --no-emit-index-url --no-emit-trusted-host --no-emit-find-links"
)

USAGE = """\
python run.py demo [--check]     make a database with declarations, start web and workers
python run.py test [ARGS]        run the tests on SQLite and on PostgreSQL
                                 (--database sqlite | postgresql for one; more goes to pytest)
python run.py manage COMMAND     run a management command
python run.py lock               write requirements/*.txt anew from pyproject.toml
"""


def main(arguments: list[str]) -> int:
    """Run one of the commands; return its exit code."""
    if sys.version_info < OLDEST:
        return complain(f"Python {sys.version.split()[0]} is too old; 3.11 or newer is needed.")
    match arguments:
        case ["demo", *_] | ["manage", *_]:
            prepare("base")
            command = arguments if arguments[0] == "demo" else arguments[1:]
            return become("manage.py", *command)
        case ["test", *rest]:
            prepare("dev")
            return test(rest)
        case ["lock"]:
            prepare("dev")
            return lock()
        case []:
            print(USAGE, end="")
            return 0
        case _:
            return complain(f"Unknown command {arguments[0]!r}.\n\n{USAGE}")


def complain(problem: str) -> int:
    """Say what is wrong."""
    print(problem.rstrip(), file=sys.stderr)
    return 2


def prepare(kind: str) -> None:
    """Have a `.venv` with at least the packages of a lock; quick if it is there already.

    A stamp is written last, so an interrupted installation is done again from the start.
    """
    wanted = digest(kind)
    if stamp(kind).exists() and stamp(kind).read_text() == wanted and PYTHON.exists():
        return
    if kind == "base" and stamp("dev").exists() and stamp("dev").read_text() == digest("dev"):
        return  # the developer's packages include the others
    started = time.monotonic()
    print(f"Preparing {VENV.name} (once) ...", flush=True)
    make_venv()
    for other in VENV.glob("*.installed"):
        other.unlink()  # if this is interrupted, nothing is known of what is there
    pip: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]
    run(*pip, "--require-hashes", "--no-deps", "-r", LOCKS / f"{kind}.txt")
    stamp(kind).write_text(wanted)
    print(f"Ready after {time.monotonic() - started:.0f} s.", flush=True)


def make_venv() -> None:
    """Make the virtual environment anew, unless it works and belongs to this Python."""
    probe = "import sys, pip; print(sys.version)"
    if PYTHON.exists():
        told = subprocess.run([PYTHON, "-c", probe], capture_output=True, text=True, check=False)
        if told.stdout.strip() == sys.version.strip():
            return
        print("It is broken or of another Python; making it anew.", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.create(VENV, with_pip=True)
    except (subprocess.CalledProcessError, ImportError) as error:
        raise SystemExit(
            f"Python's venv module does not work here ({error}).\n"
            "On Debian and Ubuntu: apt-get install python3-venv"
        ) from error


def digest(kind: str) -> str:
    """Return what an installation of this lock by this Python is known by."""
    lock = (LOCKS / f"{kind}.txt").read_bytes()
    return hashlib.sha256(lock + sys.version.encode()).hexdigest()


def stamp(kind: str) -> Path:
    """Return the file that says which lock is installed."""
    return VENV / f"{kind}.installed"


def become(*command: str | Path) -> int:
    """Run a Python program in the environment in place of this one, so that signals reach it."""
    line = [str(PYTHON), *map(str, command)]
    os.chdir(ROOT)
    os.environ.setdefault("INSECURE_HTTP", "true")
    if os.name == "nt":
        return subprocess.call(line)
    os.execv(PYTHON, line)  # noqa: S606  (no shell)
    raise AssertionError("not reached")


def run(*command: str | Path) -> None:
    """Run a command that has to succeed."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"This failed: {' '.join(map(str, command))}")


def test(arguments: list[str]) -> int:
    """Run the tests on each database; return 0 if all passed.

    Many of them kill real processes and wait for others, which a busy machine can keep from being
    in time. Those that failed are run once more, alone, and what passes then is told as unsteady.
    """
    chosen, rest = databases(arguments)
    if not chosen:
        return complain("--database: say which, sqlite or postgresql.")
    results = {}
    for database in chosen:
        print(f"\n=== Tests on {database} ===", flush=True)
        started = time.monotonic()
        code = pytest("-n", PROCESSES, "--dist", "worksteal", "--database", database, *rest)
        if code == SOME_FAILED:
            print(f"\n=== {database}: what failed, once more and alone ===", flush=True)
            code = pytest("--last-failed", "-n", "0", "--database", database, *rest)
            if code == 0:
                print("UNSTEADY: these failed beside others and passed alone.", flush=True)
        results[database] = code
        outcome = "passed" if code == 0 else f"failed (pytest exit code {code})"
        print(f"=== {database}: {outcome}, {time.monotonic() - started:.0f} s ===", flush=True)
    return int(any(results.values()))  # one that was killed has a code below 0


def pytest(*arguments: str) -> int:
    """Run pytest; return its exit code."""
    line = [str(PYTHON), "-m", "pytest", *arguments]
    return subprocess.run(line, cwd=ROOT, check=False).returncode


def databases(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the databases to test on, and the other arguments."""
    for place, argument in enumerate(arguments):
        name, is_joined, value = argument.partition("=")
        if name == "--database":
            end = place + 1 if is_joined else place + 2
            chosen = [value] if is_joined else arguments[place + 1 : end]
            return chosen, arguments[:place] + arguments[end:]
    return ["sqlite", "postgresql"], arguments


def lock() -> int:
    """Resolve pyproject.toml into locks with hashes and without addresses."""
    LOCKS.mkdir(exist_ok=True)
    for kind, extras in (("base", []), ("dev", ["dev", "mssql"]), ("mssql", ["mssql"])):
        target = LOCKS / f"{kind}.txt"
        options = [f"--extra={extra}" for extra in extras]
        if kind == "mssql":
            options.append(f"--constraint={LOCKS / 'dev.txt'}")  # what is tested is what is run
        compile_lock: list[str | Path] = [
            PYTHON,
            "-m",
            "piptools",
            "compile",
            *RESOLVE.split(),
            *options,
        ]
        run(*compile_lock, "--output-file", target, "pyproject.toml")
        text = re.sub(r"^(--|#).*\n", "", target.read_text(), flags=re.MULTILINE)
        target.write_text(f"# Made by `python run.py lock`.\n{text.lstrip()}")
        print(f"{target.relative_to(ROOT)}: {text.count('==')} packages")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
