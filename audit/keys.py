"""The keys that sign seals.

A private key comes from a file or the environment and never enters the database: who can write
rows cannot sign. Its public half is listed there, with the signature of the key before it. So who
trusts one key can trust its successors; who trusts none but takes the list from the database
trusts whoever can write to the database.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from django.conf import settings

from audit.canonical import key_statement
from audit.models import SealKey

_RAW = 32


class KeyFault(ValueError):
    """A key is missing, unreadable or not the expected one; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Key:
    """A private key and its public half."""

    private: Ed25519PrivateKey
    public: str
    """64 hexadecimal digits."""

    def sign(self, statement: bytes) -> str:
        """Return the signature as 128 hexadecimal digits."""
        return self.private.sign(statement).hex()


def of_settings() -> Key:
    """Return the key that this process is to seal with.

    Raises:
        KeyFault: None is configured, or it cannot be read.
    """
    chosen: dict[str, Any] = getattr(settings, "AUDIT", {})
    if chosen.get("SEAL_KEY"):
        return _read(str(chosen["SEAL_KEY"]).encode(), "SEAL_KEY")
    if chosen.get("SEAL_KEY_FILE"):
        return of_file(Path(chosen["SEAL_KEY_FILE"]))
    raise KeyFault(
        "No key to seal with. Make one with `manage.py audit_key new FILE` and set SEAL_KEY_FILE."
    )


def of_file(file: Path) -> Key:
    """Return the key in a file.

    Raises:
        KeyFault: There is none, or everybody may read it.
    """
    try:
        mode = file.stat().st_mode
        content = file.read_bytes()
    except OSError as error:
        raise KeyFault(f"Key file {file} cannot be read: {error.strerror}.") from error
    if os.name == "posix" and mode & (stat.S_IROTH | stat.S_IWOTH):
        raise KeyFault(f"Key file {file} is open to everybody. Run: chmod 600 {file}")
    return _read(content, str(file))


def make(file: Path) -> Key:
    """Make a new key in a new file that its owner alone may read.

    Raises:
        KeyFault: The file exists, or cannot be written; no key is ever overwritten.
    """
    private = Ed25519PrivateKey.generate()
    content = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyFault(f"Key file {file} cannot be made: {error.strerror}.") from error
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
    return _of(private)


def is_signed(*, statement: bytes, signature: str, public: str) -> bool:
    """Return whether the signature is that key's of this statement."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def introduce(
    *, new: Key, by: Key | None, now: datetime, reason: str = "", using: str = "default"
) -> SealKey:
    """List a public key. All but the first should be vouched for by the one in use.

    Raises:
        KeyFault: It is listed already, or the key that vouches is not listed.
    """
    listed = SealKey.objects.using(using)
    if listed.filter(pk=new.public).exists():
        raise KeyFault(f"Key {new.public} is listed already.")
    if by is not None and not listed.filter(pk=by.public).exists():
        raise KeyFault(f"Key {by.public} is not listed itself, so it cannot vouch for another.")
    introduced_by = "" if by is None else by.public
    statement = key_statement(public=new.public, introduced_at=now, introduced_by=introduced_by)
    return listed.create(
        public=new.public,
        introduced_at=now,
        introduced_by=introduced_by,
        endorsement="" if by is None else by.sign(statement),
        reason=reason,
    )


def pinned() -> frozenset[str]:
    """Return the public keys that the configuration says to trust.

    Raises:
        KeyFault: One of them is no key.
    """
    named = getattr(settings, "AUDIT", {}).get("TRUSTED_KEYS", ())
    for public in named:
        if len(public) != _RAW * 2 or public != public.lower() or not _is_hex(public):
            raise KeyFault(
                f"SEAL_TRUSTED_KEYS names {public!r}, which is no public key;"
                " take the 64 digits that `manage.py audit_key list` shows."
            )
    return frozenset(named)


def trusted() -> frozenset[str]:
    """Return the pinned keys, and whomever they vouch for, directly or in turn.

    Where none is pinned, the first key listed is believed.
    """
    listed = list(SealKey.objects.all())
    known = set(pinned()) or {row.public for row in listed[:1]}
    grown = True
    while grown:
        vouched = {row.public for row in listed if row.introduced_by in known and _is_vouched(row)}
        grown = not vouched <= known
        known |= vouched
    return frozenset(known)


def _is_vouched(row: SealKey) -> bool:
    statement = key_statement(
        public=row.public, introduced_at=row.introduced_at, introduced_by=row.introduced_by
    )
    return is_signed(statement=statement, signature=row.endorsement, public=row.introduced_by)


def _read(content: bytes, source: str) -> Key:
    if content.lstrip().startswith(b"-----BEGIN"):
        try:
            private = serialization.load_pem_private_key(content.strip(), password=None)
        except (ValueError, TypeError) as error:
            raise KeyFault(f"{source} holds no readable PEM key: {error}") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise KeyFault(f"{source} holds a key of another kind; Ed25519 is needed.")
        return _of(private)
    try:
        raw = base64.b64decode(content.strip(), validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != _RAW:
        raise KeyFault(f"{source} is neither a PEM file nor {_RAW} bytes in base64.")
    return _of(Ed25519PrivateKey.from_private_bytes(raw))


def _of(private: Ed25519PrivateKey) -> Key:
    raw = private.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    return Key(private=private, public=raw.hex())


def _is_hex(text: str) -> bool:
    try:
        bytes.fromhex(text)
    except ValueError:
        return False
    return True
