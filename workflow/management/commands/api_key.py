"""Make, list and revoke keys of the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow.acts.api_keys import make, revoke
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.models import ApiKey, KeyScope

_DAYS = 90


class Command(BaseCommand):
    """Make, list and revoke keys; each making and revoking is entered in the trail."""

    help = "Make, list and revoke keys of the API. A key acts for a user and is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do, and with which key."""
        acts = parser.add_subparsers(dest="act", required=True)
        making = acts.add_parser("make", help="Make a key and print it.")
        making.add_argument("--user", required=True, help="Whom it acts for.")
        making.add_argument("--name", required=True, help="Which system has it, and what for.")
        making.add_argument(
            "--scope", action="append", default=[], help=", ".join(KeyScope.values)
        )
        making.add_argument("--days", type=int, default=_DAYS, help=f"Default: {_DAYS}.")
        acts.add_parser("list", help="List the keys.")
        revoking = acts.add_parser("revoke", help="Have a key open nothing from now on.")
        revoking.add_argument("id")
        revoking.add_argument("--reason", default="")

    def handle(self, *_: Any, act: str, **options: Any) -> None:
        """Do it.

        Raises:
            CommandError: It cannot be done; the message names the argument.
        """
        acts = {"make": self._make, "list": self._list, "revoke": self._revoke}
        try:
            acts[act](options)
        except InvalidRequest as error:
            raise CommandError(str(error)) from error

    def _make(self, options: dict[str, Any]) -> None:
        people = get_user_model()
        user = people._default_manager.filter(**{people.USERNAME_FIELD: options["user"]}).first()
        if user is None:
            raise CommandError(f"--user {options['user']!r}: there is no such user.")
        made = make(
            name=options["name"],
            user=user,
            scopes=options["scope"],
            lasts=timedelta(days=options["days"]),
            by=None,
            now=clock.now(),
        )
        self.stdout.write(f"It acts for {user} until {made.key.expires_at:%Y-%m-%d %H:%M} UTC.")
        self.stdout.write("Keep it now, it is shown this once:")
        self.stdout.write(made.text)

    def _list(self, _: dict[str, Any]) -> None:
        now = clock.now()
        for key in ApiKey.objects.select_related("user"):
            state = "revoked" if key.revoked_at else "expired" if key.expires_at <= now else "open"
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
            self.stdout.write(
                f"{key.pk}  {state:8} until {key.expires_at:%Y-%m-%d}  {used:16}"
                f"  {key.user}  {','.join(key.scopes)}  {key.name}"
            )

    def _revoke(self, options: dict[str, Any]) -> None:
        key = revoke(key_id=options["id"], by=None, reason=options["reason"], now=clock.now())
        self.stdout.write(f"{key} opens nothing any more.")
