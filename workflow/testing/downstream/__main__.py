"""The simulators as a program: prints its address and serves until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from workflow.testing.downstream.faults import Faults
from workflow.testing.downstream.server import HOST
from workflow.testing.downstream.simulators import STALL, Simulators

PORT = 8765


def arguments() -> argparse.ArgumentParser:
    """Return what can be said on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m workflow.testing.downstream",
        description="Run simulated downstreams: payments, budget, reporting, letters, transfers.",
    )
    add_arguments(parser, journal=Path("var/downstream.sqlite3"))
    return parser


def add_arguments(parser: argparse.ArgumentParser, *, journal: Path) -> None:
    """Take the address, the faults, and the file, by default `journal`."""
    parser.add_argument(
        "--host", default=HOST, help=f"Default: {HOST}; 0.0.0.0: other machines may call too."
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"Default: {PORT}; 0: a free one.")
    parser.add_argument(
        "--faults",
        type=float,
        default=0.0,
        metavar="F",
        help="Share of calls, 0 to 0.25, that fail; as many stall, land late, and are dropped.",
    )
    parser.add_argument("--seed", type=int, default=0, help="Draws which calls those are.")
    parser.add_argument(
        "--stall", type=float, default=STALL, metavar="SECONDS", help=f"Default: {STALL:g}."
    )
    parser.add_argument(
        "--journal",
        type=Path,
        default=journal,
        metavar="FILE",
        help="SQLite file that keeps what arrived; carried on if it is there.",
    )


def serve(*, host: str, port: int, faults: float, seed: int, stall: float, journal: Path) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        ValueError: `faults` is no share.
        OSError: The port is taken, or the file cannot be written.
    """
    journal.parent.mkdir(parents=True, exist_ok=True)
    stopping = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stopping.set())
    simulators = Simulators(
        journal=journal,
        faults=Faults.each(faults, seed=seed),
        host=host,
        port=port,
        stall=stall,
    )
    sys.stdout.write(f"{simulators.url}\n")
    sys.stdout.flush()
    stopping.wait()
    simulators.close()


def main(given: Sequence[str]) -> int:
    """Run the program; return its exit code."""
    parser = arguments()
    chosen = parser.parse_args(given)
    try:
        serve(**vars(chosen))
    except ValueError as error:
        parser.error(f"--{error}")
    except OSError as error:
        parser.error(f"cannot serve on {chosen.host}:{chosen.port} with {chosen.journal}: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
