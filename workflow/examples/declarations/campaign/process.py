"""The processes of a campaign that ask and act.

`python -m workflow.examples.declarations.campaign.process client NUMBER SEED RATE`, or
`... process operators`, until SIGTERM.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

import django


def main(given: Sequence[str]) -> None:
    """Run one, until it is told to stop."""
    django.setup()
    # Both need loaded apps.
    from workflow.examples.declarations.campaign.client import Client  # noqa: PLC0415
    from workflow.examples.declarations.campaign.operators import Operators  # noqa: PLC0415
    from workflow.examples.declarations.campaign.stage import Stage  # noqa: PLC0415

    what, *rest = given
    process: Client | Operators
    if what == "client":
        number, seed, rate = rest
        process = Client(number=int(number), seed=int(seed), rate=float(rate), stage=Stage.here())
    else:
        process = Operators(Stage.here())

    def stop(*_: object) -> None:
        process.stopping = True

    signal.signal(signal.SIGTERM, stop)
    process.run()


if __name__ == "__main__":
    main(sys.argv[1:])
