"""Values that name or describe people, kept beside the trail so that they can be erased."""

from __future__ import annotations

import uuid

from django.db import models


class PersonalValue(models.Model):
    """A value for which an entry holds only a salted digest.

    Without its salt the digest tells nothing, so that erasing this row erases the value. Nobody
    can change it unnoticed: it must give the digest that the entry was chained with. Nobody can
    remove it unnoticed: its entry says that there was a value, and only a `redacted` entry of the
    same chain explains that it is gone.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    chain: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(db_index=True)
    salt = models.CharField(max_length=32)
    value = models.TextField()

    def __str__(self) -> str:
        """Return the digest, not the value: this ends up in logs."""
        return self.digest[:16]
