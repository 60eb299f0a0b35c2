"""The zerocheck of lookups and products, and the table side of the lookups (docs/protocol.md,
Lookups, products, and the cube).

::

    relation = en h prod_(i<4) d_i - sum_i num_i prod_(j != i) d_j + gamma gate prod_(5..9) g_j
    d_i      = alpha - column_i - beta tag_i

Its sum over the cube is zero. The verifier needs the selectors at one point, where each is a
product over the axes of a tile, and the columns as linear forms in the committed vector.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from verifai.verifier.native.claims import Form, eq_on_tile, split_point
from verifai.verifier.native.field import P, Work, eq_range
from verifai.verifier.native.hiding import add_slots
from verifai.verifier.native.layout import (
    CUSTOM_TAG,
    FACTORS,
    GROUP,
    ZEROCHECK_DEGREE,
    Layout,
    LimbLookup,
    Tile,
)
from verifai.verifier.native.weights import Group, Term

#: Degree of the relation, eq included.
DEGREE = ZEROCHECK_DEGREE


@dataclass(frozen=True)
class Challenges:
    """What the transcript draws: alpha, beta for fingerprints; tau, gamma for the zerocheck."""

    alpha: int
    beta: int
    tau: Sequence[int]
    gamma: int


def final_relation(
    layout: Layout, challenges: Challenges, z: Sequence[int], columns: Sequence[int], work: Work
) -> int:
    """The relation at z, from the values of the columns there (5 of them, or 10)."""
    enabled = gate = 0
    numerators, tags = [0] * GROUP, [0] * GROUP
    for group in layout.groups:
        selected = _tile_sum(group.place, work, challenges.tau, z)
        real = _tile_sum(group.place, work, z)
        enabled += selected
        for i, lookup in enumerate(group.lookups):
            numerators[i] += selected
            tags[i] += real * lookup.tag
    for product in layout.products:
        gate += _tile_sum(product.place, work, challenges.tau, z)
    d = [
        (challenges.alpha - column - challenges.beta * tag) % P
        for column, tag in zip(columns[:GROUP], tags, strict=True)
    ]
    value = enabled * columns[GROUP] * prod(d)
    for i, numerator in enumerate(numerators):
        value -= numerator * prod(d[:i] + d[i + 1 :])
    if layout.products:
        value += challenges.gamma * gate * prod(columns[GROUP + 1 :])
    return value % P


def _tile_sum(tile: Tile, work: Work, *points: Sequence[int]) -> int:
    """Sum over the real positions of a tile of the product of eq(point, .) over the points."""
    parts = [split_point(tile, point, work) for point in points]
    vectors = [[high for high, _ in parts]]
    vectors += [[inner[axis] for _, inner in parts] for axis in tile.inner_axes]
    total = 1
    for same_axis in vectors:
        work.spend(len(points) * len(same_axis[0]))
        total = total * sum(map(_product, *same_axis)) % P
    return total


def _product(*factors: int) -> int:
    return prod(factors) % P


def add_columns(
    form: Form, beta: int, z: Sequence[int], columns: Sequence[int], scales: Iterator[int]
) -> None:
    """The claims ``column(z) - value sent = 0``, one scale for each column."""
    scale = [next(scales) for _ in columns]
    for s, value in zip(scale, columns, strict=True):
        form.add_constant(-s * value)
    for group in form.layout.groups:
        eq = eq_on_tile(group.place, z, form.work)
        for s, lookup in zip(scale, group.lookups, strict=False):
            if isinstance(lookup, LimbLookup):
                form.add_block(lookup.block, eq.times(s))
            else:
                form.add_node(lookup.input, eq.times(s))
                form.add_node(lookup.output, eq.times(s * beta * beta))
        form.add_block(group.helper, eq.times(scale[GROUP]))
    for product in form.layout.products:
        eq = eq_on_tile(product.place, z, form.work)
        for i, s in enumerate(scale[GROUP + 1 :]):
            if i < len(product.factors):
                form.add_node(product.factors[i], eq.times(s))
            else:  # a factor that does not exist is the constant 1
                form.add_constant(s * eq.total())
    add_slots(form, scale, z)
    assert len(scale) in (GROUP + 1, GROUP + 1 + FACTORS)


def add_tables(
    form: Form,
    challenges: Challenges,
    point: Sequence[int],
    table_points: Sequence[Sequence[int]],
    scales: Iterator[int],
) -> None:
    """The claims of the table side: range tables, total, then each custom table.

    side: ``sum over entries a of eq(x, a) [hT(a) (alpha - T(a)) - m(a)] = 0``;
    total: ``sum of all h - sum of all hT = 0``. ``point`` is of the block of range tables.
    """
    alpha, beta, layout = challenges.alpha, challenges.beta, form.layout
    side, total = next(scales), next(scales)
    for group in layout.groups:
        dims = group.place.dims
        form.work.spend(sum(dims))
        ones = tuple(Group((axis,), [1] * d) for axis, d in enumerate(dims))
        form.add_block(group.helper, Term(total, ones))

    fingerprints: list[int | None] = [None] * (1 << len(point))
    for width in layout.widths:  # entry t of the table of b bits sits at 2^b + t
        for t in range(1 << width):
            fingerprints[(1 << width) + t] = (t + beta * width) % P
    _add_side(form, 0, alpha, fingerprints, point, side, total)
    for number, (table, x) in enumerate(zip(form.table.tables, table_points, strict=True), 1):
        tag = beta * (CUSTOM_TAG - 1 + number)
        fingerprints = [
            (table.first + t + tag + beta * beta * output) % P
            for t, output in enumerate(table.outputs)
        ]
        _add_side(form, number, alpha, fingerprints, x, next(scales), total)


def _add_side(
    form: Form,
    number: int,
    alpha: int,
    fingerprints: Sequence[int | None],
    point: Sequence[int],
    side: int,
    total: int,
) -> None:
    """One block of table entries; addresses with the fingerprint None hold no entry."""
    form.work.spend(6 * len(fingerprints))
    eq = eq_range(point, 0, len(fingerprints))
    helper = [
        0 if f is None else (side * e % P * (alpha - f) - total) % P
        for e, f in zip(eq, fingerprints, strict=True)
    ]
    count = [0 if f is None else e for e, f in zip(eq, fingerprints, strict=True)]
    form.add_block(form.layout.entry_helpers[number], Term(1, (Group((0,), helper),)))
    form.add_block(form.layout.counts[number], Term(-side % P, (Group((0,), count),)))
