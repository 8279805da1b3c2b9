"""Seals: what the trail was at a time, in one signed digest."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Seal(models.Model):
    """A signed statement: at this time, these chains ended like this.

    Its heads are the leaves of a Merkle tree, whose root it signs, together with the digest of the
    seal before. So the newest seal stands for all of them.
    """

    number = models.PositiveIntegerField(
        verbose_name=_("number"),
        primary_key=True,
        help_text=_("1 for the first; two sealers cannot both write the next."),
    )
    sealed_at = models.DateTimeField(
        verbose_name=_("sealed at"),
    )
    previous = models.CharField(
        verbose_name=_("digest before"),
        max_length=64,
        help_text=_("Digest of the seal before; or zeros."),
    )
    root = models.CharField(
        verbose_name=_("root"), max_length=64, help_text=_("Merkle root over its heads.")
    )
    heads = models.PositiveIntegerField(
        verbose_name=_("chains"), help_text=_("How many chains it covers.")
    )
    entries = models.PositiveBigIntegerField(
        verbose_name=_("entries"), help_text=_("How many entries it is the first to cover.")
    )
    complete = models.BooleanField(
        verbose_name=_("complete"),
        help_text=_("Whether it left nothing unsealed of what had been committed."),
    )
    key = models.CharField(
        verbose_name=_("key"),
        max_length=64,
        help_text=_("Public key that verifies the signature."),
    )
    digest = models.CharField(_("digest"), max_length=64)
    signature = models.CharField(_("signature"), max_length=128)

    class Meta:
        """In the order of sealing."""

        verbose_name = _("seal")
        verbose_name_plural = _("seals")
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
    position = models.PositiveIntegerField(help_text=_("Place among the leaves, from 0."))
    chain: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField()
    sequence = models.PositiveIntegerField(
        help_text=_("Of the last entry; 0 where a chain that had been written to was empty."),
    )
    digest = models.CharField(max_length=64, help_text=_("Of the last entry."))
    since = models.PositiveIntegerField(
        help_text=_("Sequence at which the chain's last seal before this one found it; or 0."),
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
