"""The rows of channels: one for each that is declared."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS

from workflow.definition import registry
from workflow.models import Channel


def ensure(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Have a row for every declared channel. Safe to repeat, and under concurrency.

    After a migration, and before anybody works: a channel without a row is not asked for.
    """
    declared = set(registry.channels())
    rows = Channel.objects.using(using)
    for name in sorted(declared.difference(rows.values_list("pk", flat=True))):
        rows.get_or_create(pk=name)
