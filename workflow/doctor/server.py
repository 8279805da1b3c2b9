"""What the database server is set to: whether a commit lasts, and who may stand in the way.

Each vendor has a function that asks and one that judges; the judging ones need no server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from django.db import connection

from workflow.doctor.finding import Finding, Severity, Some

Told = Mapping[str, str]

_IDLE_TOO_LONG = timedelta(minutes=1)
_READ_COMMITTED = "2"
"""How SQL Server numbers it."""


def look() -> Iterator[Finding]:
    """Yield what is wrong with the server's settings; two statements at most."""
    vendor = _VENDORS.get(connection.vendor)
    if vendor is None:
        return
    ask, judge = vendor
    yield from judge(ask())
    if connection.vendor == "postgresql":
        yield from _standing_transactions()


def ask_sqlite() -> Told:
    """Return the pragmas of this connection, which all processes make in the same way."""
    found = {}
    with connection.cursor() as cursor:
        for name in ("journal_mode", "synchronous", "foreign_keys"):
            cursor.execute(f"PRAGMA {name}")
            found[name] = str(cursor.fetchone()[0])
    return found


def judge_sqlite(told: Told) -> Iterator[Finding]:
    """Yield what endangers commits or makes readers wait."""
    if told["journal_mode"].lower() != "wal":
        yield Finding(
            code="sqlite_journal",
            what=f"SQLite's journal mode is {told['journal_mode']!r}: readers and the writer"
            " block each other, and workers time out.",
            repair="Have init_command say PRAGMA journal_mode=WAL; on a network disk WAL does not"
            " work: move the file to a local one.",
        )
    if told["synchronous"] not in ("2", "3"):
        yield Finding(
            code="commits_not_durable",
            what=f"SQLite's synchronous is {told['synchronous']}: a power cut loses what was"
            " committed, intents of calls among it.",
            repair="Have init_command say PRAGMA synchronous=FULL.",
        )
    if told["foreign_keys"] != "1":
        yield Finding(
            code="foreign_keys_off",
            what="SQLite does not enforce foreign keys on this connection.",
            repair="Leave PRAGMA foreign_keys as Django sets it.",
        )


def ask_postgresql() -> Told:
    """Return the settings that commits rely on, as this session has them."""
    names = (
        *("fsync", "synchronous_commit", "full_page_writes", "transaction_isolation"),
        *("idle_in_transaction_session_timeout", "session_replication_role"),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(names)])
        return dict(cursor.fetchall())


def judge_postgresql(told: Told) -> Iterator[Finding]:
    """Yield what loses commits, and what lets a frozen worker hold its locks for ever."""
    off = [
        name for name in ("fsync", "synchronous_commit", "full_page_writes") if told[name] == "off"
    ]
    if off:
        yield Finding(
            code="commits_not_durable",
            what=f"PostgreSQL has {', '.join(f'{name}=off' for name in off)}: a crash of the"
            " server loses what was committed, intents of calls among it.",
            repair="Switch them on in postgresql.conf, and reload (fsync and full_page_writes) or"
            " ALTER ROLE (synchronous_commit).",
        )
    if told["transaction_isolation"] != "read committed":
        yield Finding(
            code="isolation",
            what=f"Transactions are {told['transaction_isolation']!r}; the engine locks rows and"
            " expects to read what was committed last.",
            repair="Leave `isolation_level` and default_transaction_isolation at read committed.",
        )
    if told["session_replication_role"] != "origin":
        yield Finding(
            code="guards_asleep",
            what=f"session_replication_role is {told['session_replication_role']!r}: no trigger"
            " fires in this session, so that the guards guard nothing.",
            repair="ALTER ROLE ... RESET session_replication_role.",
        )
    if told["idle_in_transaction_session_timeout"] == "0":
        yield Finding(
            code="no_idle_limit",
            severity=Severity.WARNING,
            what="idle_in_transaction_session_timeout is 0: a worker that is frozen in the middle"
            " of a transaction keeps its row locks until somebody ends it.",
            repair="ALTER ROLE ... SET idle_in_transaction_session_timeout = '60s' for the"
            " application's role.",
        )


def _standing_transactions() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, application_name FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'idle in transaction'"
            " AND state_change < clock_timestamp() - %s * interval '1 second'"
            " ORDER BY state_change LIMIT 1001",
            [_IDLE_TOO_LONG.total_seconds()],
        )
        some = Some.among(f"pid {pid} {name}".strip() for pid, name in cursor.fetchall())
    if some:
        yield Finding(
            code="standing_transaction",
            severity=Severity.WARNING,
            what=f"{some.number} sessions have stood in the middle of a transaction for over a"
            " minute, and hold whatever they have locked.",
            repair="Find out whose they are; SELECT pg_terminate_backend(PID) ends one, and what"
            " it held is tried again.",
            examples=some.first,
        )


def ask_mssql() -> Told:
    """Return the database's options, and this session's isolation level."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT is_read_committed_snapshot_on, delayed_durability_desc FROM sys.databases"
            " WHERE database_id = DB_ID()"
        )
        snapshot, durability = cursor.fetchone()
        cursor.execute(
            "SELECT transaction_isolation_level FROM sys.dm_exec_sessions"
            " WHERE session_id = @@SPID"
        )
        (level,) = cursor.fetchone()
    return {
        "read_committed_snapshot": str(int(snapshot)),
        "delayed_durability": str(durability),
        "isolation": str(level),
    }


def judge_mssql(told: Told) -> Iterator[Finding]:
    """Yield what makes readers block writers, and what loses commits."""
    if told["read_committed_snapshot"] != "1":
        yield Finding(
            code="no_snapshot",
            what="READ_COMMITTED_SNAPSHOT is off: readers block writers, and workers deadlock.",
            repair="ALTER DATABASE CURRENT SET READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE,"
            " while nobody works.",
        )
    if told["isolation"] != _READ_COMMITTED:
        yield Finding(
            code="isolation",
            what=f"The isolation level of a session is number {told['isolation']}; the engine"
            " locks rows and expects read committed (2).",
            repair="Take `isolation_level` out of the OPTIONS.",
        )
    if told["delayed_durability"] == "FORCED":
        yield Finding(
            code="commits_not_durable",
            what="DELAYED_DURABILITY is FORCED: a crash of the server loses what was committed,"
            " intents of calls among it.",
            repair="ALTER DATABASE CURRENT SET DELAYED_DURABILITY = DISABLED.",
        )


_VENDORS: Mapping[str, tuple[Callable[[], Told], Callable[[Told], Iterator[Finding]]]] = {
    "sqlite": (ask_sqlite, judge_sqlite),
    "postgresql": (ask_postgresql, judge_postgresql),
    "microsoft": (ask_mssql, judge_mssql),
}
