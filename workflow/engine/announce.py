"""Telling idle brokers that something is due, so that they need not wait for their next look.

Best effort: brokers look by themselves as well, and a lost announcement costs a fraction of a
second. SQLite's brokers see a commit in the file's header; SQL Server's look often.
"""

from __future__ import annotations

from django.db import connection

TOPIC = "escapement_due"


def announce() -> None:
    """Wake listening brokers. Call after commit, never inside: NOTIFY would serialise commits."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {TOPIC}")
