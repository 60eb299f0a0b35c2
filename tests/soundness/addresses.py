"""Where a table's tensors lie in the committed vector, by what they are for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from tests.soundness.proofs import Case
from verifai.verifier.native.field import bits
from verifai.verifier.native.layout import Layout, Tile, layout_of
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.table import Committed, Weight, expand


@dataclass(frozen=True)
class Block:
    """One committed tile: what it holds, its entries and its padding.

    Attributes:
        role: limb, hint, weight, multiplicity, helper or entry helper.
        node: the table node, for the first three.
        real, padding: addresses. Entries of the range tables that no limb uses count as padding.
    """

    role: str
    node: int | None
    real: tuple[int, ...]
    padding: tuple[int, ...]


def layout(case: Case) -> Layout:
    """The layout, as the Python verifier computes it."""
    return layout_of(expand(parse_table(case.claim.table), case.batch))


def blocks(case: Case) -> list[Block]:
    """Every tile of the address space but those of the hiding protocol."""
    table, places = expand(parse_table(case.claim.table), case.batch), layout(case)
    found = []

    def add(role: str, node: int | None, number: int, used: set[int] | None = None) -> None:
        tile = places.blocks[number]
        entries = positions(tile)
        real = entries if used is None else [tile.base + i for i in sorted(used)]
        rest = sorted(set(range(tile.base, tile.base + tile.size)) - set(real))
        found.append(Block(role, node, tuple(real), tuple(rest)))

    for node, spec in enumerate(table.nodes):
        match spec.operation:
            case Weight():
                role = "weight"
            case Committed(_, _, _, limbs):
                role = "limb" if limbs else "hint"
            case _:
                continue
        for number in places.node_blocks[node]:
            add(role, node, number)
    ranges = {(1 << width) + t for width in places.widths for t in range(1 << width)}
    for role, numbers in (
        ("multiplicity", places.counts),
        ("entry helper", places.entry_helpers),
    ):
        for index, number in enumerate(numbers):
            add(role, None, number, None if index else ranges)
    for group in places.groups:
        add("helper", None, group.helper)
    return found


def positions(tile: Tile) -> list[int]:
    """The address of every entry, in row-major order."""
    found = []
    for index in itertools.product(*map(range, tile.dims)):
        outer = inner = 0
        for axis, (i, length) in enumerate(zip(index, tile.dims, strict=True)):
            if axis in tile.outer:
                outer = outer * length + i
            else:
                inner = (inner << bits(length)) + i
        found.append(tile.base + (outer << tile.inner) + inner)
    return found
