"""Seals: what the trail was at a time, in one signed digest."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models


class Seal(models.Model):
    """A signed statement: at this time, these chains ended like this.

    Its heads are the leaves of a Merkle tree, whose root it signs, together with the digest of the
    seal before. So the newest seal stands for all of them.
    """

    number = models.PositiveIntegerField(
        primary_key=True, help_text="1 for the first; two sealers cannot both write the next."
    )
    sealed_at = models.DateTimeField()
    previous = models.CharField(max_length=64, help_text="Digest of the seal before; or zeros.")
    root = models.CharField(max_length=64, help_text="Merkle root over its heads.")
    heads = models.PositiveIntegerField(help_text="How many chains it covers.")
    entries = models.PositiveBigIntegerField(
        help_text="How many entries it is the first to cover."
    )
    complete = models.BooleanField(
        help_text="Whether it left nothing unsealed of what had been committed."
    )
    key = models.CharField(max_length=64, help_text="Public key that verifies the signature.")
    digest = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)

    class Meta:
        """In the order of sealing."""

        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        """Return its number."""
        return f"seal {self.number}"


class SealedHead(models.Model):
    """The end of one chain as a seal found it: a leaf of the seal's tree."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    seal: models.ForeignKey[Seal, Seal] = models.ForeignKey(
        Seal,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,  # the unique constraints serve
    )
    position = models.PositiveIntegerField(help_text="Place among the leaves, from 0.")
    chain: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField()
    sequence = models.PositiveIntegerField(
        help_text="Of the last entry; 0 where a chain that had been written to was empty."
    )
    digest = models.CharField(max_length=64, help_text="Of the last entry.")
    since = models.PositiveIntegerField(
        help_text="Sequence at which the chain's last seal before this one found it; or 0."
    )

    class Meta:
        """One leaf a chain and seal."""

        ordering: ClassVar = ["seal", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["seal", "position"], name="audit_sealed_position"),
            models.UniqueConstraint(fields=["chain", "seal"], name="audit_sealed_chain"),
        ]

    def __str__(self) -> str:
        """Return chain and place."""
        return f"{self.chain}#{self.sequence}"


class Unsealed(models.Model):
    """A mark that a chain was extended, written in the transaction that extended it.

    It becomes visible together with the entries it stands for, however late that transaction
    commits and whatever ids it was given. The sealer removes the marks that it has read.
    """

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    chain: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField()

    class Meta:
        """Read in the order of their ids."""

        verbose_name_plural = "unsealed"

    def __str__(self) -> str:
        """Return the chain."""
        return str(self.chain)
