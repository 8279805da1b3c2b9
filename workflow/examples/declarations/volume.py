"""A database as large as after years, made in minutes, to measure pages and queries on.

The rows are written past the engine, set by set, which the guards would refuse: they are lifted
meanwhile, and the database must have no records before. What matters for plans is right: numbers,
sizes, how states, people and times are spread. What does not matter is not: digests are made up,
so the trail of such a database does not verify. PostgreSQL only.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.db import connection

from workflow.models import Record
from workflow.testing.guards import lifted

PEOPLE = 50
_STEPS = 4
"""Transitions of each record."""

_ENTRIES = 10

# Names in this SQL are the models' own, and the numbers are integers of this module.
_WHEN = "now() - interval '365 days' * (1 - i::float / {records}) - interval '2 hours'"

_STATEMENTS = (
    (
        "records",
        """
        INSERT INTO workflow_record
            (id, workflow, reference, status, version, status_since, created_at)
        SELECT md5('r' || i)::uuid, 'declaration', 'V-' || lpad(i::text, 8, '0'),
            CASE WHEN i % 20 < 16 THEN 'payment_handled' WHEN i % 20 < 18 THEN 'withdrawn'
                 WHEN i % 20 = 18 THEN 'submitted' ELSE 'approved_by_administration' END,
            {steps}, {when} + interval '1 hour', {when}
        FROM generate_series(1, {records}) AS i
        """,
    ),
    (
        "subjects",
        """
        INSERT INTO declarations_declaration
            (record_id, claimant_id, number, purpose, amount, currency, expense_date, declared_on,
             receipts, budget_number, cost_centre, payment_reference, budget_reservation)
        SELECT md5('r' || i)::uuid, {first} + i % {people}, 'V-' || lpad(i::text, 8, '0'),
            'Journey ' || i, 10 + i % 900, 'EUR', current_date - 9, current_date - 2, 2, 'B-1', '',
            '', ''
        FROM generate_series(1, {records}) AS i
        """,
    ),
    (
        "envelopes",
        """
        INSERT INTO workflow_transitionenvelope
            (transition_id, record_id, workflow, definition_version, transition, target, actor_id,
             actor_label, reason, payload, digest, origin, correlation_id, traceparent,
             requested_at, priority, state, fence, worker, attempts, crashes, called, closing_as,
             code, message, resulting_version, finished_at)
        SELECT md5('e' || i || '-' || k)::uuid, md5('r' || i)::uuid, 'declaration', 1,
            (ARRAY['submit', 'check', 'approve_final', 'request_payment'])[k],
            (ARRAY['submitted', 'approved_by_administration', 'final_approved',
                   'payment_requested'])[k],
            {first} + (i + k) % {people}, 'Person ' || (i + k) % {people}, '', '{{}}',
            md5('d' || i) || md5('d' || k), 'form', md5('c' || i), '',
            {when} + interval '10 minutes' * k, 0,
            CASE WHEN odd THEN CASE WHEN i % 3000 = 0 THEN 'failed' ELSE 'refused' END
                 ELSE 'fired' END,
            1, 'app/1', 1, 0, 0, '',
            CASE WHEN odd THEN CASE WHEN i % 3000 = 0 THEN 'deadline' ELSE 'over_limit' END
                 ELSE '' END,
            CASE WHEN odd THEN 'Over 2500 EUR, others have to approve first.' ELSE '' END,
            CASE WHEN odd THEN NULL ELSE k END,
            {when} + interval '10 minutes' * k + interval '1 second' * (i % 7)
        FROM generate_series(1, {records}) AS i, generate_series(1, {steps}) AS k,
            LATERAL (SELECT k = 3 AND i % 30 = 0 AS odd) AS fate
        """,
    ),
    (
        "entries",
        """
        INSERT INTO audit_entry
            (chain, sequence, at, action, actor_id, actor, reason, old, new, transition_id,
             correlation_id, evidence, previous, digest)
        SELECT md5('r' || i)::uuid, n, {when} + interval '3 minutes' * n,
            (ARRAY['started', 'requested', 'fired', 'requested', 'fired', 'requested', 'fired',
                   'requested', 'fired', 'effect_done'])[n],
            '', 'Person ' || i % {people}, '', '',
            CASE WHEN n % 2 = 1 THEN 'submitted' ELSE '' END,
            CASE WHEN n = 1 THEN NULL ELSE md5('e' || i || '-' || least(n / 2, {steps}))::uuid END,
            md5('c' || i), '{{"transition":"check","worker":"app/1","fence":1,"findings":[]}}',
            repeat('0', 64), md5('h' || i) || md5('h' || n)
        FROM generate_series(1, {records}) AS i, generate_series(1, {entries}) AS n
        """,
    ),
    ("parked", ""),
    ("statistics", "ANALYZE"),
)

_PARKED = """
    INSERT INTO workflow_transitionenvelope
        (transition_id, record_id, workflow, definition_version, transition, target, actor_id,
         actor_label, reason, payload, digest, origin, correlation_id, traceparent, requested_at,
         priority, state, fence, worker, attempts, crashes, called, closing_as, code, message)
    SELECT md5('p' || i)::uuid, md5('r' || i)::uuid, 'declaration', 1, 'approve_final',
        'final_approved', {first}, 'Person', '', '{{}}', repeat('1', 64), 'form', md5('p' || i),
        '', now() - interval '1 hour', 0, 'parked', 1, 'app/1', 8, 0, 0, '', 'provider_timeout',
        'The provider did not answer.'
    FROM generate_series(1, {records}) AS i WHERE i % 1000 = 18
"""


class NotEmpty(Exception):
    """The database has records, or is none of PostgreSQL's."""


def fill(*, records: int) -> Iterator[str]:
    """Write so many records with ten entries each; yield what is being written.

    Raises:
        NotEmpty: The database is not fit for it.
    """
    if connection.vendor != "postgresql":
        raise NotEmpty("This takes PostgreSQL; name one in DATABASE_URL.")
    if Record.objects.exists():
        raise NotEmpty("There are records already; name an empty database in DATABASE_URL.")
    people = [User(username=f"volume-{number}") for number in range(PEOPLE)]
    first = User.objects.bulk_create(people)[0].pk
    facts = {
        "records": records,
        "steps": _STEPS,
        "entries": _ENTRIES,
        "people": PEOPLE,
        "first": first,
        "when": _WHEN.format(records=records),
    }
    with lifted(connection), connection.cursor() as cursor:
        # Foreign keys hold by the way in which the rows are made; asking for each takes longer
        # than writing it. It takes a superuser, which whoever makes such a database is.
        cursor.execute("SET session_replication_role = replica")
        for name, statement in _STATEMENTS:
            yield name
            cursor.execute((statement or _PARKED).format(**facts))
        cursor.execute("RESET session_replication_role")
