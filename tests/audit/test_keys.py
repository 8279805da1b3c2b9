"""Keys: read from where they should be, refused where they should not."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from audit import keys
from audit.keys import Key, KeyFault
from tests.audit.rows import NOW


def test_a_new_key_is_its_owners_alone_and_reads_back(key: Key, tmp_path: Path) -> None:
    file = tmp_path / "seal.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert keys.of_file(file).public == key.public
    assert keys.is_signed(statement=b"x", signature=key.sign(b"x"), public=key.public)
    assert not keys.is_signed(statement=b"y", signature=key.sign(b"x"), public=key.public)


def test_no_key_is_overwritten(key: Key, tmp_path: Path) -> None:
    with pytest.raises(KeyFault, match="cannot be made: File exists"):
        keys.make(tmp_path / "seal.pem")


def test_it_can_come_from_the_environment(key: Key, tmp_path: Path, settings: Any) -> None:
    settings.AUDIT = {"SEAL_KEY": (tmp_path / "seal.pem").read_text()}
    assert keys.of_settings().public == key.public
    raw = key.private.private_bytes_raw()
    settings.AUDIT = {"SEAL_KEY": base64.b64encode(raw).decode()}
    assert keys.of_settings().public == key.public


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "neither a PEM file nor 32 bytes"),
        (b"c2hvcnQ=", "neither a PEM file nor 32 bytes"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no readable PEM"),
        (
            generate_private_key(SECP256R1()).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            "a key of another kind",
        ),
    ],
)
def test_what_is_no_key_is_told(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "bad.pem"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(KeyFault, match=problem):
        keys.of_file(file)


def test_a_key_that_everybody_may_read_is_refused(key: Key, tmp_path: Path) -> None:
    (tmp_path / "seal.pem").chmod(0o644)
    with pytest.raises(KeyFault, match="chmod 600"):
        keys.of_file(tmp_path / "seal.pem")


def test_none_configured_says_how(settings: Any, tmp_path: Path) -> None:
    settings.AUDIT = {}
    with pytest.raises(KeyFault, match="audit_key new"):
        keys.of_settings()
    settings.AUDIT = {"SEAL_KEY_FILE": str(tmp_path / "none.pem")}
    with pytest.raises(KeyFault, match="cannot be read: No such file"):
        keys.of_settings()


@pytest.mark.parametrize("public", ["abc", "g" * 64, "A" * 64])
def test_a_pinned_key_that_is_none_is_told(public: str, settings: Any) -> None:
    settings.AUDIT = {"TRUSTED_KEYS": [public]}
    with pytest.raises(KeyFault, match="which is no public key"):
        keys.pinned()


@pytest.mark.django_db
class TestIntroducing:
    def test_twice_is_refused(self, key: Key) -> None:
        keys.introduce(new=key, by=None, now=NOW)
        with pytest.raises(KeyFault, match="is listed already"):
            keys.introduce(new=key, by=None, now=NOW)

    def test_an_unlisted_key_vouches_for_nobody(self, key: Key, successor: Key) -> None:
        with pytest.raises(KeyFault, match="cannot vouch"):
            keys.introduce(new=successor, by=key, now=NOW)

    def test_without_endorsement_it_is_not_trusted(self, key: Key, successor: Key) -> None:
        keys.introduce(new=key, by=None, now=NOW)
        keys.introduce(new=successor, by=None, now=NOW, reason="The old one was lost.")
        assert keys.trusted() == {key.public}
