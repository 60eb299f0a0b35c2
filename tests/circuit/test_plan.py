"""Views that read once, and what is lowered."""

from __future__ import annotations

import numpy as np
import pytest

from tests.circuit.graphs import naive_view
from tests.circuit.models import MODELS
from verifai.circuit.plan import plan, reads_once
from verifai.graph.integer import Affine, Einsum, Indices, Maximum, Requantise, View
from verifai.graph.view import view

VIEWS = [
    # source shape, maps, target shape, reads each element at most once
    ((4,), (Affine(0, ((0, 1),)),), (4,), True),
    ((4,), (Affine(1, ((0, 1),)),), (3,), True),
    ((4,), (Affine(3, ((0, -1),)),), (4,), True),
    ((4,), (Affine(1, ((0, 1),)),), (4,), False),  # pads
    ((4,), (Affine(-1, ((0, 1),)),), (4,), False),
    ((5,), (Affine(0, ((0, 2), (1, 1))),), (2, 2), True),
    ((5,), (Affine(0, ((0, 1), (1, 1))),), (2, 2), False),  # overlaps
    ((3, 2), (Affine(2, ()), Affine(0, ((0, 1),))), (2,), True),  # a slice
    ((3, 2), (Affine(2, ()), Affine(0, ((1, 1),))), (3, 2), False),  # a broadcast
    ((3, 2), (Affine(2, ()), Affine(0, ((1, 1),))), (1, 2), True),  # an axis of one
    ((3,), (Indices(0, (2, 0)),), (2,), True),
    ((3,), (Indices(0, (2, 2)),), (2,), False),
    ((2, 3), (Affine(0, ((1, 1),)), Affine(0, ((0, 1),))), (3, 2), True),
    ((), (), (), True),
]


@pytest.mark.parametrize(("source", "axes", "target", "once"), VIEWS)
def test_reads_once(source, axes, target, once):
    assert reads_once(View(0, axes), source, target) is once
    # The same, by reading: distinct numbers come out, none of them twice, and no zero.
    numbers = np.arange(1, 1 + int(np.prod(source, dtype=int))).reshape(source)
    found = naive_view(numbers, axes, target).reshape(-1).tolist()
    assert (len(set(found)) == len(found) and 0 not in found) is once


@pytest.mark.parametrize(("source", "axes", "target", "_once"), VIEWS)
def test_views_are_evaluated_as_defined(source, axes, target, _once):
    rng = np.random.default_rng(0)
    values = rng.integers(1, 100, (3, *source))
    found = view(values, View(0, axes), target, True)
    assert found.shape == (3, *target)
    for row, one in zip(values, found, strict=True):
        assert np.array_equal(naive_view(row, axes, target), one)
    assert np.array_equal(view(values[0], View(0, axes), target, False), found[0])


def test_needed_nodes_of_a_fused_pool():
    graph = MODELS["digits"]()
    how = plan(graph)
    kinds = [type(how.operations[index]) for index in how.needed]
    assert kinds.count(Maximum) == 1
    assert kinds.count(Requantise) == 1  # the last layer's; the pool's is fused
    assert kinds.count(Einsum) == 2
    (fusion,) = how.fused.values()
    assert graph.nodes[fusion.requantise].name == "conv"
    assert plan(graph, fuse=False).fused == {}
