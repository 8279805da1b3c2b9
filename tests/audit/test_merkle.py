"""Trees: the root is RFC 6962's, and a path leads to it from its own leaf only."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import path, root, root_of_path

LEAVES = st.lists(st.binary(max_size=8), min_size=1, max_size=40)


def by_the_book(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(
        b"\x01" + by_the_book(leaves[:split]) + by_the_book(leaves[split:])
    ).digest()


def test_known_roots() -> None:
    """From the test vectors of certificate transparency's reference implementation."""
    leaves = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43"]
    assert root([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root(leaves[:1]) == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root(leaves[:2]) == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert root(leaves[:3]) == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"


@given(LEAVES)
def test_the_root_grown_leaf_by_leaf_is_the_books(leaves: list[bytes]) -> None:
    assert root(leaves) == by_the_book(leaves).hex()


@given(LEAVES, st.data())
def test_a_path_leads_from_its_leaf_to_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(leaves) - 1))
    way = path(leaves, position)
    assert root_of_path(leaves[position], position=position, leaves=len(leaves), path=way) == root(
        leaves
    )
    assert root_of_path(
        leaves[position] + b"x", position=position, leaves=len(leaves), path=way
    ) != root(leaves)


def test_a_path_of_another_length_leads_nowhere() -> None:
    leaves = [b"a", b"b", b"c"]
    way = path(leaves, 0)
    assert root_of_path(b"a", position=0, leaves=3, path=way[:-1]) == ""
    assert root_of_path(b"a", position=0, leaves=3, path=[*way, way[0]]) == ""


def test_no_leaf_no_path() -> None:
    with pytest.raises(IndexError):
        path([b"a"], 1)
