"""Merkle trees as in RFC 6962, section 2.1: one digest for many, and short proofs of membership.

Leaves and inner nodes are told apart by a first byte, so that no inner node passes for a leaf. A
tree over n leaves splits at the largest power of two below n.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence


class Tree:
    """A tree that grows leaf by leaf and keeps one digest a level: flat memory for any size."""

    def __init__(self) -> None:
        self._full: list[tuple[int, bytes]] = []
        """Complete subtrees from left to right: how many leaves, and their digest."""

    def add(self, leaf: bytes) -> None:
        """Append a leaf."""
        size, digest = 1, leaf_digest(leaf)
        while self._full and self._full[-1][0] == size:
            _, left = self._full.pop()
            size, digest = size * 2, _node(left, digest)
        self._full.append((size, digest))

    def root(self) -> str:
        """Return the root as hexadecimal digits; of no leaves, the digest of nothing."""
        if not self._full:
            return hashlib.sha256(b"").hexdigest()
        *rest, (_, digest) = self._full
        for _, left in reversed(rest):
            digest = _node(left, digest)
        return digest.hex()


def root(leaves: Iterable[bytes]) -> str:
    """Return the root over the leaves in their order."""
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def path(leaves: Sequence[bytes], position: int) -> list[str]:
    """Return the digests that lead from a leaf to the root, the lowest first.

    Raises:
        IndexError: There is no such leaf.
    """
    level = [leaf_digest(leaf) for leaf in leaves]
    if not 0 <= position < len(level):
        raise IndexError(f"leaf {position} of {len(level)}")
    found = []
    while len(level) > 1:
        sibling = position ^ 1
        if sibling < len(level):
            found.append(level[sibling].hex())
        paired = [_node(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        # A last one without a sibling goes up as it is.
        level = paired + level[len(paired) * 2 :]
        position //= 2
    return found


def root_of_path(leaf: bytes, *, position: int, leaves: int, path: Sequence[str]) -> str:
    """Return the root that a path leads to; empty if it is too long or too short.

    Args:
        leaves: How many leaves the tree has.
    """
    digest = leaf_digest(leaf)
    steps = list(path)
    while leaves > 1:
        if position % 2 or position + 1 < leaves:
            if not steps:
                return ""
            sibling = bytes.fromhex(steps.pop(0))
            digest = _node(sibling, digest) if position % 2 else _node(digest, sibling)
        position //= 2
        leaves = (leaves + 1) // 2
    return "" if steps else digest.hex()


def leaf_digest(leaf: bytes) -> bytes:
    """Return the digest of a leaf's bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
