"""Addresses of things, in the API and on the pages."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse


def of_record(pk: UUID) -> str:
    """Return a record's address."""
    return reverse("api-1:record", args=[pk])


def of_transition(pk: UUID) -> str:
    """Return a requested transition's address."""
    return reverse("api-1:transition", args=[pk])


def of_effect(pk: int) -> str:
    """Return a downstream call's address."""
    return reverse("api-1:effect", args=[pk])


def record_page(pk: UUID) -> str:
    """Return the address of a record's page."""
    return reverse("desk:record", args=[pk])


def transition_page(pk: UUID) -> str:
    """Return the address of a transition's page."""
    return reverse("desk:envelope", args=[pk])
