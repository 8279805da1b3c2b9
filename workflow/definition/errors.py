"""One tree of errors. The message is made from the facts, and tells its reader what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

_SHOWN = 80
"""Characters of an offending value that a message shows."""


class WorkflowError(Exception):
    """Base of every error that the product raises on purpose.

    `code` is stable: the API, the logs and the pages name the error by it.
    """

    code: ClassVar[str] = "workflow_error"


class DefinitionFault(WorkflowError):
    """A workflow definition has faults and was not registered."""

    code = "definition_fault"

    def __init__(self, workflow: str, faults: Sequence[str]) -> None:
        self.workflow = workflow
        self.faults = tuple(faults)
        listed = "\n".join(f"  - {fault}" for fault in self.faults)
        super().__init__(f"Workflow {workflow!r} cannot be used until this is mended:\n{listed}")


class UnknownDefinition(WorkflowError):
    """No workflow of that name, or no such version of it, is registered in this release."""

    code = "unknown_definition"

    def __init__(self, workflow: str, version: int | None, known: Sequence[str]) -> None:
        self.workflow = workflow
        self.version = version
        what = workflow if version is None else f"{workflow}/{version}"
        super().__init__(
            f"No workflow {what!r} is registered; known: {', '.join(known) or 'none'}."
        )


class InvalidRequest(WorkflowError):
    """A request cannot be read: nothing was written, and it may be sent again once mended.

    Args:
        problem: Mark it with `gettext_noop`, so that catalogues can have it; it is translated
            when it is shown, not here.
        facts: What goes into its `%(name)s`; labels may be lazy.
    """

    code = "invalid_request"

    def __init__(
        self,
        field: str,
        value: object,
        problem: str,
        *,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        self.field = field
        self.value = value
        self.template = problem
        self.facts = dict(facts or {})
        shown = repr(value)
        if len(shown) > _SHOWN:
            shown = f"{shown[: _SHOWN - 3]}..."
        self.shown = shown
        super().__init__(field, value, problem)

    @property
    def problem(self) -> str:
        """What is wrong with the value, in the language of the source."""
        return self.template % self.facts if self.facts else self.template

    def __str__(self) -> str:
        """Return field, value, and what is wrong with it."""
        return f"{self.field} {self.shown}: {self.problem}"


class Retryable(WorkflowError):
    """Raise in a handler when trying again later may help.

    Args:
        retry_after: Wait at least this long before the next attempt.
    """

    code = "retryable"

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Permanent(WorkflowError):
    """Raise in a handler when trying again cannot help: the transition parks for a person."""

    code = "permanent"
