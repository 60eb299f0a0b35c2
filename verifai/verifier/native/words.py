"""Public words: the integers of a statement, several in each (docs/protocol.md, "Words").

A word has 128 bits: eight lanes of 16 for a tensor of at most 16 bits, four of 32 for a wider one.
Each innermost row of a tensor starts a word of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Final

from verifai.verifier.native.field import Work, bits
from verifai.verifier.native.table import (
    Committed,
    Gather,
    Node,
    Reshape,
    Table,
    View,
    origins_of,
)
from verifai.verifier.native.transcript import refused
from verifai.verifier.native.weights import row_major

WORD_BITS: Final = 128
#: Bits of a lane, of which the first that holds a tensor's integers is taken.
LANES: Final = (16, 32)


def lane_bits(width: int) -> int:
    """Bits of a lane for integers of ``width`` bits."""
    return LANES[width > LANES[0]]


def words_per_row(dims: Sequence[int], width: int) -> int:
    """Words of one innermost row."""
    return -(-(dims[-1] if dims else 1) // (WORD_BITS // lane_bits(width)))


def word_count(dims: Sequence[int], width: int) -> int:
    """Words of a public tensor."""
    return prod(dims[:-1]) * words_per_row(dims, width)


def word_point_size(dims: Sequence[int], width: int) -> int:
    """Coordinates of the point at which the words of a tensor are compared."""
    return sum(map(bits, dims[:-1])) + bits(words_per_row(dims, width))


def pack_words(raw: Sequence[int], row: int, width: int) -> list[int]:
    """Integers below ``2**width`` as words, each innermost row of ``row`` integers by itself."""
    lane = lane_bits(width)
    each = WORD_BITS // lane
    words: list[int] = []
    for start in range(0, len(raw), row):
        line = raw[start : start + row]
        words += [
            sum(value << lane * place for place, value in enumerate(line[at : at + each]))
            for at in range(0, row, each)
        ]
    return words


def lanes_of(words: Sequence[int], dims: Sequence[int], width: int) -> Iterator[list[int]]:
    """The lanes of each innermost row, those beyond its end included."""
    lane, per_row = lane_bits(width), words_per_row(dims, width)
    places = range(0, WORD_BITS, lane)
    mask = (1 << lane) - 1
    for start in range(0, len(words), per_row):
        yield [word >> at & mask for word in words[start : start + per_row] for at in places]


def words_of_nodes(table: Table, words: Sequence[int]) -> Mapping[int, Sequence[int]]:
    """The words of each public node."""
    found, taken = {}, 0
    for node in table.public:
        operation = table.nodes[node].operation
        assert isinstance(operation, Committed)
        count = word_count(table.nodes[node].shape, operation.bits)
        found[node] = words[taken : taken + count]
        taken += count
    return found


def places_of(table: Table, node: int, work: Work) -> list[int]:
    """Which element of a public input each element of the ids of a gather is, both row-major."""
    views = []
    while isinstance(operation := table.nodes[node].operation, (View, Reshape)):
        views.append((node, operation))
        node = operation.source
    shape = table.nodes[node].shape
    places = list(range(prod(shape)))
    work.spend(len(places))
    for at, operation in reversed(views):
        wanted = table.nodes[at].shape
        if isinstance(operation, View):
            work.spend(prod(wanted) * (1 + len(operation.axes)))
            strides = row_major(shape)
            found = [sum(m.offset * s for m, s in zip(operation.axes, strides, strict=True))]
            for axis, length in enumerate(wanted):
                steps = [
                    sum(m.step(axis, i) * s for m, s in zip(operation.axes, strides, strict=True))
                    for i in range(length)
                ]
                found = [place + step for place in found for step in steps]
            places = [places[place] for place in found]
        shape = wanted
    return places


def _integers(node: Node, words: Sequence[int]) -> list[int]:
    """The integers of a public node, less its offset."""
    assert isinstance(node.operation, Committed)
    row = node.shape[-1] if node.shape else 1
    rows = lanes_of(words, node.shape, node.operation.bits)
    return [lane for lanes in rows for lane in lanes[:row]]


def gathered_ids(table: Table, words: Sequence[int], work: Work) -> Mapping[int, list[int]]:
    """The ids that the gathers of an expanded table read, by their node, in row-major order.

    Raises:
        VerificationError: check 7, step ``ids``: one is no row of the weight that it is to read.
    """
    if not any(isinstance(node.operation, Gather) for node in table.nodes):
        return {}
    own, origins = words_of_nodes(table, words), origins_of(table.nodes)
    values: dict[int, list[int]] = {}
    found: dict[int, list[int]] = {}
    for node in table.nodes:
        if not isinstance(node.operation, Gather):
            continue
        source, ids = node.operation.source, node.operation.ids
        origin = origins[ids]
        assert origin is not None  # a rule of the table
        if origin not in values:
            values[origin] = _integers(table.nodes[origin], own[origin])
        if ids not in found:
            found[ids] = [values[origin][place] for place in places_of(table, ids, work)]
        work.spend(len(found[ids]))
        count = table.nodes[source].shape[0]
        if (largest := max(found[ids])) >= count:
            raise refused("ids", f"an id is {largest}, of a table of {count} rows")
    return found
