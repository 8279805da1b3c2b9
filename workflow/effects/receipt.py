"""What a downstream gave as proof: what of it can be kept."""

from __future__ import annotations

from collections.abc import Mapping

from audit.canonical import canonical, holds_nul

LARGEST = 65_536
"""Bytes of a receipt that are kept."""


def check_receipt(receipt: object) -> None:
    """See that a receipt can be kept as it is.

    Raises:
        TypeError, ValueError, RecursionError: It cannot, and why.
    """
    if not isinstance(receipt, Mapping):
        raise TypeError("no JSON object")
    text = canonical(receipt)
    if len(text) > LARGEST:
        raise ValueError(f"{len(text)} bytes; at most {LARGEST} are kept")
    if holds_nul(text):
        raise ValueError("holds a NUL character")
