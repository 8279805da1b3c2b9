"""Seal the trail."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from audit import anchors, keys
from audit.models import Seal
from audit.seal import seal_all


class Command(BaseCommand):
    """Sign where the chains end that have grown since the last seal, and write that outside."""

    help = (
        "Seal what has changed in the audit trail since the last seal, and send the seal to each"
        " anchor. Does nothing where nothing has changed. Exits with 1 if an anchor failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take an interval."""
        parser.add_argument(
            "--every", type=float, metavar="SECONDS", help="Go on for ever; default: seal once."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Seal once, or at intervals until told to stop."""
        try:
            key = keys.of_settings()
            places = anchors.of_settings()
        except (keys.KeyFault, anchors.AnchorFault) as error:
            raise CommandError(str(error), returncode=2) from error
        every = options["every"]
        if every is None:
            if not self._seal(key, places):
                raise CommandError("An anchor could not be written; it is tried again next time.")
            return
        if every <= 0:
            raise CommandError(
                f"--every {every:g}: give a number of seconds above 0.", returncode=2
            )
        stopped = _stopped_by_signal()
        while not stopped.is_set():
            try:
                self._seal(key, places)
            except DatabaseError as error:
                self.stderr.write(f"The database refused: {error}. Trying again.")
            stopped.wait(every)

    def _seal(self, key: keys.Key, places: list[anchors.Anchor]) -> bool:
        try:
            for seal in seal_all(key=key, clock=timezone.now):
                self.stdout.write(
                    f"Seal {seal.number}: {seal.entries:,} entries, {seal.heads:,} chains,"
                    f" root {seal.root[:16]}."
                )
        except keys.KeyFault as error:
            raise CommandError(str(error), returncode=2) from error
        if not Seal.objects.exists():
            self.stdout.write("Nothing to seal yet.")
        return sum(not self._anchor(place) for place in places) == 0

    def _anchor(self, place: anchors.Anchor) -> bool:
        while tried := anchors.send_pending(anchor=place, now=timezone.now()):
            if not tried[-1].succeeded:
                self.stderr.write(f"Anchor {place.name}: {tried[-1].detail}")
                return False
            self.stderr.write(f"Anchor {place.name}: up to seal {tried[-1].seal_id}.")
        return True


def _stopped_by_signal() -> threading.Event:
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopped
