"""The roles and grants of the guide do what it says, on the database that has roles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from audit.keys import Key
from audit.models import Entry, Seal, SealedHead, Unsealed
from audit.seal import seal_all
from audit.verify import verify_all
from tests.audit.conftest import key
from tests.audit.rows import NOW, make_chain
from tests.conftest import PROJECT
from workflow.models import guards

__all__ = ["key"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="roles are PostgreSQL's"),
]

GUIDE = (PROJECT / "docs/howto/evidence.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _granted(db: None) -> None:
    (statements,) = re.findall(r"^```sql\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    guards.remove(connection)  # the grants alone have to hold
    with connection.cursor() as cursor:
        cursor.execute(statements)


@contextmanager
def acting(role: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        yield
        cursor.execute("RESET ROLE")


def refused(statement: str, role: str) -> bool:
    try:
        with transaction.atomic(), acting(role), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return "permission denied" in str(error)
    return False


def test_the_application_appends_and_changes_nothing() -> None:
    with acting("escapement_app"):
        make_chain(2)
    assert Entry.objects.count() == 2
    for statement in (
        "UPDATE audit_entry SET actor = 'Eve'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "DELETE FROM audit_unsealed",
        "DELETE FROM audit_seal",
        "UPDATE audit_sealedhead SET sequence = 1",
    ):
        assert refused(statement, "escapement_app"), statement


def test_the_sealer_seals_and_writes_no_entry(key: Key) -> None:
    make_chain(2)
    with acting("escapement_sealer"):
        list(seal_all(key=key, clock=lambda: NOW))
    assert (Seal.objects.count(), SealedHead.objects.count()) == (1, 1)
    assert not Unsealed.objects.exists()
    for statement in (
        "INSERT INTO audit_unsealed (chain) VALUES (gen_random_uuid())",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_seal",
    ):
        assert refused(statement, "escapement_sealer"), statement


def test_the_auditor_verifies_and_writes_nothing(key: Key) -> None:
    make_chain(2)
    list(seal_all(key=key, clock=lambda: datetime.now(UTC)))
    with acting("escapement_auditor"):
        report = verify_all()
    assert (report.entries, report.faults) == (2, [])
    assert refused("DELETE FROM audit_unsealed", "escapement_auditor")
