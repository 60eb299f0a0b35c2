"""Products in float64 are those in int64, and nothing is multiplied in floats that might not be."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from verifai.graph import exact
from verifai.graph.exact import FLOAT64, einsum, is_exact, magnitudes
from verifai.graph.graph import IntegerGraph
from verifai.graph.integer import (
    Affine,
    Einsum,
    Indices,
    Input,
    Linear,
    Lookup,
    Maximum,
    Node,
    Requantise,
    Table,
    View,
    Weight,
)
from verifai.graph.run import run
from verifai.graph.view import view

runs = sys.modules["verifai.graph.run"]  # the module, not the function of that name
LABELS = ("Bi,oi->Bo", "Bi,io->Bo", "io,Bi->Bo", "Bgik,Bgkj->Bgij", "Bkc,ck->Bk", "Bi,Bi->B")


def product_graph(weights: Any, low: int, high: int) -> IntegerGraph:
    """An input of shape (k,) times weights of shape (n, k)."""
    n, k = weights.shape
    nodes = (
        Node(Input(0), (k,), low, high, 0, True, "x"),
        Node(Weight(weights), (n, k), -(1 << 40), 1 << 40, 0, False, "w"),
        Node(Einsum(0, 1, ("i", "oi", "o")), (n,), -(1 << 61), 1 << 61, 0, True, "y"),
    )
    return IntegerGraph(nodes, (0,), (2,), (), ("x",), ("y",), ((k,),), ((n,),))


def exactly(weights: Any, x: Any) -> list[int]:
    return [sum(int(a) * int(b) for a, b in zip(row, x, strict=True)) for row in weights]


def test_the_bound_is_sharp() -> None:
    assert is_exact(8, 1 << 25, 1 << 25)
    assert not is_exact(8, 1 << 25, (1 << 25) + 1)
    assert is_exact(1, FLOAT64, 1)
    # just above it floats are wrong: 2^53 + 1 is none of them
    x, w = np.array([[1 << 26, 1]]), np.array([[1 << 27], [1]])
    assert not is_exact(2, 1 << 26, 1 << 27)
    assert einsum("Bi,io->Bo", x, w).tolist() != [[FLOAT64 + 1]]


@pytest.mark.parametrize("above", [False, True])
def test_a_graph_just_above_the_bound_runs_in_integers(
    above: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    floats: list[str] = []
    monkeypatch.setattr(runs, "einsum", lambda *a: floats.append(a[0]) or einsum(*a))
    # 2 * 2^25 * 2^27 = 2^53
    weights = np.array([[1 << 27, (1 << 27) - 1]])
    low, high = -(1 << 25) - above, (1 << 25) - 1
    graph = product_graph(weights, low, high)
    for x in ([low, low], [high, high], [high, low], [low, high], [1, low + 1], [high, high - 1]):
        assert run(graph, [np.array(x)])[2].tolist() == exactly(weights, x)
    assert bool(floats) is not above


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("piece", [1, 7, 1 << 17])
@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64])
def test_floats_give_the_same_integers(
    labels: str, piece: int, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact, "PIECE", piece)
    rng = np.random.default_rng(7)
    sizes = dict(zip("Bgijkoc", (3, 2, 4, 5, 6, 7, 8), strict=True))
    sizes["k"] = 8 if labels == "Bkc,ck->Bk" else sizes["k"]
    a, b = labels.split("->")[0].split(",")
    bits = min(np.iinfo(kind).bits - 1, 24)
    for least in (-(1 << bits), 0, (1 << bits) - 1):  # anything, nothing negative, all the largest
        left, right = (
            rng.integers(least, 1 << bits, [sizes[x] for x in part]).astype(kind) for part in (a, b)
        )
        wanted = np.einsum(labels, left.astype(np.int64), right.astype(np.int64))
        found = einsum(labels, left, right)
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, wanted)


def test_magnitudes_hold_whatever_a_graph_says_of_itself() -> None:
    """Ranges that lie, as a file's may, make no product run in floats that is not exact there."""
    nodes = (
        Node(Input(0), (2,), -8, 7, 0, True, "x"),
        Node(Linear(((1 << 30, 0),), 5), (2,), 0, 1, 0, True, "linear"),
        Node(Maximum(1, (), -3), (2,), 0, 1, 0, True, "maximum"),
        Node(View(2, (Affine(0, ((0, 1),)),)), (2,), 0, 1, 0, True, "view"),
        Node(Weight(np.array([-9, 4], np.int16)), (2,), 0, 1, 0, False, "w"),
        Node(Einsum(3, 4, ("i", "i", "")), (), 0, 1, 0, True, "product"),
        Node(Requantise(5, 3), (), -128, 127, 0, True, "requantise"),
        Node(Lookup(6, 0), (), 0, 1, 0, True, "lookup"),
    )
    tables = (Table(-128, np.arange(256) - 1000),)
    graph = IntegerGraph(nodes, (0,), (7,), tables, ("x",), ("y",), ((2,),), ((),))
    wide = (8 << 30) + 5
    assert magnitudes(graph) == [8, wide, wide, wide, 9, 2 * wide * 9, 128, 1000]


def by_definition(source: Any, operation: View, shape: tuple[int, ...]) -> Any:
    found = np.zeros(shape, source.dtype)
    for t in np.ndindex(*shape):
        at = [
            each.indices[t[each.axis]]
            if isinstance(each, Indices)
            else each.offset + sum(c * t[target] for target, c in each.terms)
            for each in operation.axes
        ]
        if all(0 <= i < n for i, n in zip(at, source.shape, strict=True)):
            found[t] = source[tuple(at)]
    return found


@pytest.mark.parametrize("kind", [np.int16, np.int64, object])
def test_views_are_what_they_say(kind: type) -> None:
    rng = np.random.default_rng(5)
    for _ in range(150):
        shape = tuple(int(n) for n in rng.integers(1, 5, rng.integers(0, 4)))
        free = [int(n) for n in rng.permutation(len(shape))]
        axes: list[Affine | Indices] = []
        source_shape = tuple(int(n) for n in rng.integers(1, 6, rng.integers(0, 4)))
        for length in source_shape:
            taken = [free.pop() for _ in range(min(len(free), int(rng.integers(0, 3))))]
            if len(taken) == 1 and rng.random() < 0.3:
                places = rng.integers(0, length, shape[taken[0]])
                axes.append(Indices(taken[0], tuple(int(i) for i in places)))
                continue
            factors = [int(c) for c in rng.choice([-40, -2, -1, 1, 2, 3, 1 << 61], len(taken))]
            offset = int(rng.choice([-3, 0, 0, 1, 4, 1 << 61]))
            axes.append(Affine(offset, tuple(zip(taken, factors, strict=True))))
        operation = View(0, tuple(axes))
        source = rng.integers(-99, 99, (2, *source_shape)).astype(kind)
        found = view(source, operation, shape, True)
        wanted = np.stack([by_definition(source[i, ...], operation, shape) for i in (0, 1)])
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == source.dtype
        np.testing.assert_array_equal(view(source[0, ...], operation, shape, False), wanted[0])


def test_what_depends_on_no_input_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = product_graph(np.arange(6, dtype=np.int16).reshape(2, 3), -8, 7)
    seen: list[str] = []
    real = runs._compute
    monkeypatch.setattr(runs, "_compute", lambda *a: seen.append(a[1].name) or real(*a))
    for _ in range(3):
        run(graph, [np.array([1, 2, 3])])
    assert seen == ["x", "w", "y", "x", "y", "x", "y"]
    assert run(graph, [np.array([1, 2, 3])])[1].dtype == np.int16  # and no wider copy is kept
