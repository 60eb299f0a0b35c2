"""Tiles, and weights pulled back and evaluated, against brute force."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.campaign import examples
from tests.verifier.circuits import Array, Circuit, integers, sample
from verifai.errors import LimitError
from verifai.verifier.native import field
from verifai.verifier.native.claims import Form, eq_on_tile
from verifai.verifier.native.field import P, Work
from verifai.verifier.native.layout import Tile, layout_of, pack
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.table import expand
from verifai.verifier.native.weights import Group, Term

Tiles = st.builds(
    lambda dims, mask: Tile(tuple(dims), tuple(a for a in range(len(dims)) if mask >> a & 1)),
    st.lists(st.integers(1, 6), max_size=4),
    st.integers(0, 15),
)


def addresses(tile: Tile) -> Array:
    """Section 3, word for word."""
    out = np.zeros(tile.dims, dtype=object)
    for index in np.ndindex(*tile.dims):
        row, low = 0, ""
        for axis, (i, d) in enumerate(zip(index, tile.dims, strict=True)):
            if axis in tile.outer:
                row = row * d + i
            elif d > 1:
                low += format(i, f"0{len(bin(d - 1)) - 2}b")
        out[index] = tile.base + row * 2 ** len(low) + (int(low, 2) if low else 0)
    return out


@given(st.lists(Tiles, max_size=6), st.integers(0, 3))
def test_tiles_are_packed_without_overlap(tiles: list[Tile], unit: int) -> None:
    start = unit << max((tile.inner for tile in tiles), default=0)
    placed, end = pack(tiles, start)
    assert [(b.dims, b.outer) for b in placed] == [(b.dims, b.outer) for b in tiles]
    used = [a for tile in placed for a in addresses(tile).ravel()]
    assert len(used) == len(set(used))
    assert all(start <= a < end for a in used)
    assert end - start == sum(tile.size for tile in tiles)
    for tile in placed:
        assert tile.base % (1 << tile.inner) == 0
        assert all(tile.base <= a < tile.base + tile.size for a in addresses(tile).ravel())
    order = sorted(placed, key=lambda b: b.base)
    assert [b.inner for b in order] == sorted((b.inner for b in tiles), reverse=True)


def dense(term: Term, dims: tuple[int, ...]) -> Array:
    """All weights of a term."""
    out = np.zeros(dims, dtype=object)
    for index in np.ndindex(*dims):
        weight = term.coefficient
        for group in term.groups:
            place = 0
            for axis in group.axes:
                place = place * dims[axis] + index[axis]
            weight = weight * group.values[place] % P
        out[index] = weight
    return out


def weighted(term: Term, values: Array) -> int:
    return int(integers(dense(term, values.shape) * values).sum())


def eq(point: list[int], address: int) -> int:
    value = 1
    for k, x in enumerate(reversed(point)):
        value = value * (x if address >> k & 1 else 1 - x) % P
    return value


@given(Tiles, st.integers(0, 2), st.integers(0, 2**32))
def test_eq_on_a_tile(tile: Tile, unit: int, seed: int) -> None:
    tile = Tile(tile.dims, tile.outer, unit << tile.inner)
    variables = (tile.base + tile.size).bit_length()
    point = [random.Random(seed + i).randrange(P) for i in range(variables)]
    weights = dense(eq_on_tile(tile, point, Work()), tile.dims)
    places = addresses(tile)
    assert all(weights[i] == eq(point, places[i]) for i in np.ndindex(*tile.dims))


def random_shape(rng: random.Random, axes: int = 3) -> tuple[int, ...]:
    return tuple(rng.choice((1, 2, 2, 3, 4, 6)) for _ in range(rng.randint(0, axes)))


def random_outer(rng: random.Random, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(axis for axis in range(len(shape)) if rng.random() < 0.4)


def random_view(rng: random.Random, source: tuple[int, ...]) -> tuple[Any, Any]:
    shape = random_shape(rng, 4)
    free = list(range(len(shape)))
    rng.shuffle(free)
    maps: list[dict[str, Any]] = []
    for d in source:
        if free and rng.random() < 0.3:
            axis = free.pop()
            read = [rng.randrange(d) for _ in range(shape[axis])]
            maps.append({"axis": axis, "indices": read})
            continue
        terms = [[free.pop(), rng.choice((1, 1, 2, -1))] for _ in range(rng.randint(0, len(free)))]
        maps.append({"offset": rng.randint(-2, 2), "terms": terms})
    return shape, maps


def random_reshape(rng: random.Random, shape: tuple[int, ...]) -> tuple[int, ...]:
    factors = []
    for d in shape:
        factors += {1: [1], 4: [2, 2], 6: [2, 3]}.get(d, [d])
    out: list[int] = []
    for f in factors:
        if out and rng.random() < 0.5:
            out[-1] *= f
        else:
            out.append(f)
    if rng.random() < 0.3 and len(out) < 10:
        out.insert(rng.randint(0, len(out)), 1)
    return tuple(out)


def random_circuit(rng: random.Random) -> Circuit:
    c = Circuit(rng.randint(1, 3), 4)
    for _ in range(rng.randint(1, 3)):
        shape = random_shape(rng)
        outer = random_outer(rng, shape)
        match rng.randrange(3):
            case 0:
                c.weight(sample(rng, shape, -9, 9), outer)
            case 1:
                batched = rng.random() < 0.7
                full = (c.batch, *shape) if batched else shape
                values = sample(rng, full, -5, 26)
                c.committed("witness", values, [2, 3], -5, outer, batched)
            case _:
                values = sample(rng, (c.batch, *shape), -(2**70), 2**70)
                c.committed("input", values, [], 17, outer)
    for _ in range(rng.randint(0, 6)):
        source = rng.randrange(len(c.nodes))
        match rng.randrange(3):
            case 0:
                c.view(source, *random_view(rng, c.shape(source)))
            case 1:
                c.reshape(source, random_reshape(rng, c.shape(source)))
            case _:
                same = [n for n in range(len(c.nodes)) if c.shape(n) == c.shape(source)]
                terms = [(rng.randint(-3, 3), rng.choice(same)) for _ in range(rng.randint(1, 3))]
                c.linear(*terms, offset=rng.randint(-4, 4))
    return c


def random_term(rng: random.Random, dims: tuple[int, ...]) -> Term:
    axes = list(range(len(dims)))
    rng.shuffle(axes)
    groups = []
    while axes:
        taken = tuple(sorted(axes.pop() for _ in range(rng.randint(1, min(2, len(axes))))))
        size = int(np.prod([dims[a] for a in taken]))
        groups.append(Group(taken, [rng.randrange(P) for _ in range(size)]))
    return Term(rng.randrange(P), tuple(groups))


@examples(1000, 200)
@given(st.integers(0, 2**64))
def test_weights_pulled_back_give_the_same_sum(seed: int) -> None:
    rng = random.Random(seed)
    c = random_circuit(rng)
    table = expand(parse_table(c.table_bytes()), c.batch)
    layout = layout_of(table)
    form = Form(table, layout, Work())
    expected = 0
    for _ in range(2):
        node = rng.randrange(len(c.nodes))
        assert table.nodes[node].shape == c.values[node].shape
        term = random_term(rng, c.values[node].shape)
        form.add_node(node, term)
        expected += weighted(term, c.values[node])
    form.pull_back()

    contents: dict[int, Array] = {}
    for i, node_json in enumerate(c.nodes):
        raw = integers(c.values[i] - node_json.get("offset", 0))
        for block, bits in zip(
            layout.node_blocks[i], node_json.get("limbs") or [None], strict=False
        ):
            contents[block] = raw if bits is None else integers(raw % 2**bits)
            raw = raw if bits is None else integers(raw >> bits)
    point = [rng.randrange(P) for _ in range(layout.variables)]
    total, at_point = form.constant, 0
    for block, terms in form.on_blocks.items():
        tile = layout.blocks[block]
        places = addresses(tile)
        for term in terms:
            weights = dense(term, tile.dims)
            total += weighted(term, contents[block])
            at_point += sum(int(weights[i]) * eq(point, places[i]) for i in np.ndindex(*tile.dims))
    assert (total - expected) % P == 0
    assert (form.at(point) - at_point) % P == 0


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty linear nodes that each double the terms are refused, not computed."""
    c = Circuit(1, 4)
    node = c.committed("input", integers([[1, 0]]), [1])
    for _ in range(40):
        node = c.linear((1, node), (1, node))
    table = expand(parse_table(c.table_bytes()), 1)
    term = Term(1, (Group((0,), [1]), Group((1,), [1, 1])))
    form = Form(table, layout_of(table), Work())
    form.add_node(node, term)
    with pytest.raises(LimitError, match="MAX_TERMS"):
        form.pull_back()
    monkeypatch.setattr(field, "MAX_WORK", 1 << 10)
    form = Form(table, layout_of(table), Work())
    form.add_node(node, term)
    with pytest.raises(LimitError, match="MAX_WORK"):
        form.pull_back()
