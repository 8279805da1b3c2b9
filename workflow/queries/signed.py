"""Signatures, and whether they still stand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from audit.models import Entry
from workflow.engine.sign import as_evidence
from workflow.engine.trail import Action
from workflow.models import Signature, TransitionEnvelope


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A signature and what speaks against it."""

    signature: Signature
    void: tuple[str, ...]
    """Why it is void, each a sentence; empty: it stands."""


def signed(*, envelope: TransitionEnvelope) -> Standing | None:
    """Return an envelope's signature; None if it has none.

    It is void where what was signed is not what is stored, or not what the trail says was signed.
    """
    signature = Signature.objects.filter(pk=envelope.pk).first()
    if signature is None:
        return None
    asked_for = (Action.REQUESTED.value, Action.REFUSED.value)
    told = Entry.objects.filter(transition_id=envelope.pk, action__in=asked_for)
    entry = told.order_by("sequence").first()
    return Standing(
        signature=signature,
        void=(*_content(signature, envelope), *_trail(signature, entry)),
    )


def asked(envelope: TransitionEnvelope) -> dict[str, Any]:
    """Return those parts of a request that its envelope keeps, as the request's body has them."""
    return {
        "record": envelope.record_id.hex,
        "transition": envelope.transition,
        "payload": envelope.payload,
        "reason": envelope.reason,
        "actor": None if envelope.actor_id is None else str(envelope.actor_id),
        "expected_version": envelope.expected_version,
    }


def _content(signature: Signature, envelope: TransitionEnvelope) -> Iterator[str]:
    if hashlib.sha256(signature.content.encode()).hexdigest() != signature.digest:
        yield "What was signed has been altered: it does not give the digest that was signed."
        return
    if envelope.digest != signature.digest:
        yield "The request has another digest than the one that was signed."
    content = json.loads(signature.content)
    for name, value in asked(envelope).items():
        if content[name] != value:
            yield f"The request's {name} is {value!r}, but {content[name]!r} was signed."
    if str(signature.signer_id) != content["actor"]:
        yield "It was signed by another person than the one who asked."


def _trail(signature: Signature, entry: Entry | None) -> Iterator[str]:
    told = {} if entry is None or not entry.evidence else json.loads(entry.evidence)
    if "signature" not in told:
        yield "The trail does not tell of it."
    elif told["signature"] != as_evidence(signature):
        yield "The trail tells of it otherwise."
