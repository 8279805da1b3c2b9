"""The bundle's own Ed25519 and trees agree with the library's and the product's."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.bundle import verify as offline

VECTORS = [  # RFC 8032, section 7.1
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
            "f9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
            "f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
            "c6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_books_signatures_are_accepted(public: str, message: str, signature: str) -> None:
    assert offline.is_signed(bytes.fromhex(message), signature, public)
    assert not offline.is_signed(bytes.fromhex(message) + b"\0", signature, public)


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=60), st.integers(0, 511))
def test_it_accepts_what_the_library_signed_and_nothing_near_it(
    seed: bytes, message: bytes, bit: int
) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw().hex()
    signature = private.sign(message)
    assert offline.is_signed(message, signature.hex(), public)
    bent = bytearray(signature)
    bent[bit // 8] ^= 1 << bit % 8
    assert not offline.is_signed(message, bytes(bent).hex(), public)
    assert not offline.is_signed(message + b"x", signature.hex(), public)


@pytest.mark.parametrize("public", ["", "zz", "00" * 31, "ff" * 32])
def test_what_is_no_key_signs_nothing(public: str) -> None:
    assert not offline.is_signed(b"", "00" * 64, public)


def test_a_scalar_beyond_the_group_is_refused() -> None:
    """Otherwise every signature had a second form."""
    public, message, signature = VECTORS[0]
    scalar = int.from_bytes(bytes.fromhex(signature[64:]), "little") + offline.Q
    other = signature[:64] + scalar.to_bytes(32, "little").hex()
    assert not offline.is_signed(bytes.fromhex(message), other, public)
