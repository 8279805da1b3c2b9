"""Calls as the engine makes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from workflow.definition import Call

TRANSITION = UUID("0192f3a4-5b6c-7d8e-9f00-112233445566")


def call(
    request: Mapping[str, Any] | None = None,
    *,
    effect: str = "pay",
    attempt: int = 1,
    seconds: float = 5,
    receipt: Mapping[str, Any] | None = None,
    first_sent_at: datetime | None = None,
    key: str = f"{TRANSITION}/pay",
    correlation_id: str = "c-1",
    traceparent: str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
) -> Call:
    return Call(
        key=key,
        effect=effect,
        channel="bank",
        transition_id=TRANSITION,
        workflow="declaration",
        transition="request_payment",
        reference="D-1",
        request={"amount": "42.00"} if request is None else request,
        receipt=receipt or {},
        attempt=attempt,
        first_sent_at=first_sent_at,
        correlation_id=correlation_id,
        traceparent=traceparent,
        timeout=timedelta(seconds=seconds),
    )
