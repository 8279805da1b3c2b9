"""The declarations' subjects and downstreams serve."""

from __future__ import annotations

from tests.crashtest.careless.workflows import CARELESS
from workflow.examples.declarations.crashtest import Declarations
from workflow.models import Record
from workflow.testing.crashtest import register, somebody


class Careless(Declarations):
    workflow = CARELESS

    def person(self, transition: str, record: Record) -> object:
        return somebody(CARELESS, transition)


register(Careless())
