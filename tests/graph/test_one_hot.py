"""OneHot, and reading at computed indices: what onnxruntime gives, and one witness of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graph.exhaustion import check_every_witness, operator_graph
from tests.graph.single import check, grid
from tests.graph.test_whole_inputs import exact_graph, violations, whole_model
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.visibility import Visibility
from verifai.errors import InputError, UnsupportedError
from verifai.graph import build, quantise_inputs, run
from verifai.graph.operators.one_hot import MAX_INDEXED

skip_without("onnxruntime", "torch")


few = settings(max_examples=10, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3)


@few
@given(seeds, shapes, st.integers(1, 6), st.integers(-4, 3), st.booleans())
def test_one_hot(seed, shape, depth, axis, plain):
    rng = np.random.default_rng(seed)
    axis = axis % (len(shape) + 1)
    made = whole_model(
        {"x": ("int64", shape)},
        [("OneHot", ["x", "depth", "values"], "y", {"axis": axis})],
        {"y": "int64"},
        depth=np.array(depth),
        values=np.array([0, 1] if plain else [-3, 70_000]),
    )
    exact_graph(made, [(rng.integers(-depth - 3, depth + 4, shape),) for _ in range(3)])


@few
@given(seeds, shapes, shapes, st.integers(0, 2), st.booleans())
def test_gather(seed, shape, places, axis, constant):
    rng = np.random.default_rng(seed)
    axis %= len(shape)
    count = shape[axis]
    index = [rng.integers(-count, count, places) for _ in range(3)]
    node = ("Gather", ["t", "i"], "y", {"axis": axis})
    if constant:
        made = whole_model({"i": ("int64", places)}, [node], {"y": "int32"}, t=_table(rng, shape))
        exact_graph(made, [(i,) for i in index])
    else:
        inputs = {"t": ("int32", shape), "i": ("int64", places)}
        made = whole_model(inputs, [node], {"y": "int32"})
        exact_graph(made, [(_table(rng, shape), i) for i in index])


def _table(rng, shape):
    return rng.integers(-30_000, 30_000, shape).astype(np.int32)


@few
@given(seeds, shapes, st.integers(0, 2))
def test_gather_elements(seed, shape, axis):
    rng = np.random.default_rng(seed)
    axis %= len(shape)
    places = [int(rng.integers(1, length + 1)) for length in shape]
    places[axis] = 3
    made = whole_model(
        {"t": ("int32", shape), "i": ("int64", places)},
        [("GatherElements", ["t", "i"], "y", {"axis": axis})],
        {"y": "int32"},
    )
    count = shape[axis]
    samples = [(_table(rng, shape), rng.integers(-count, count, places)) for _ in range(3)]
    exact_graph(made, samples)


@few
@given(seeds, st.integers(0, 1), st.integers(1, 2), st.booleans())
def test_gather_tuples(seed, batch, length, deep):
    rng = np.random.default_rng(seed)
    shape = [2, 3, 4, 2]
    places = [2, 3, length] if deep else [2, length]
    made = whole_model(
        {"t": ("int32", shape), "i": ("int64", places)},
        [("GatherND", ["t", "i"], "y", {"batch_dims": batch})],
        {"y": "int32"},
    )
    limits = np.array(shape[batch : batch + length])
    samples = [(_table(rng, shape), rng.integers(-limits, limits, places)) for _ in range(3)]
    exact_graph(made, samples)


def test_embeddings_by_indices_that_the_model_computes():
    """Floats are read as they are: the one rounding is that of the table."""
    from onnx import TensorProto

    rng = np.random.default_rng(3)
    made = whole_model(
        {"x": ("float32", [4, 6])},
        [
            ("ArgMax", ["x"], "i", {"axis": 1, "keepdims": 0}),
            ("Gather", ["t", "i"], "e", {}),
            ("Cast", ["i"], "f", {"to": TensorProto.FLOAT}),
            ("Unsqueeze", ["f", "last"], "g", {}),
            ("Add", ["e", "g"], "y", {}),
        ],
        {"y": "float32"},
        t=grid(rng, (6, 3)),
        last=np.array([1]),
    )
    check(made, [(grid(rng, (4, 6)),) for _ in range(3)])


def test_there_is_one_witness():
    index = ((1,), 3, -4)
    constants = {"depth": np.array(3), "values": np.array([2, 5])}
    graph = operator_graph("OneHot", {"x": index}, constants)
    places = np.arange(3)
    check_every_witness(
        graph, lambda x: [np.where((places == x) | (places == x + 3), 5, 2)[np.newaxis]]
    )
    graph = operator_graph("Gather", {"t": ((3,), 1, 0), "x": index})
    assert check_every_witness(graph, lambda t, x: [t[x]] if -3 <= x[0] < 3 else None) == 64


def test_another_entry_is_a_lie():
    made = whole_model(
        {"i": ("int32", [2])},
        [("Gather", ["t", "i"], "y", {})],
        {"y": "int32"},
        t=np.array([[5, 6], [7, 8], [9, 10]], dtype=np.int32),
    )
    sample = (np.array([2, -2], dtype=np.int32),)
    graph = build(made, [sample])
    lowered = lower(graph, Visibility(input="private", output="private"))
    values = run(graph, quantise_inputs(graph, [x[np.newaxis] for x in sample]), batch=True)
    hot = [at for at, item in enumerate(graph.nodes) if item.shape == (2, 3)]
    for entry in range(3):
        lie = list(values)
        for at in hot:
            if graph.nodes[at].high == 1:
                lie[at] = np.eye(3, dtype=np.int64)[[[entry, 1]]]
        lie[graph.outputs[0]] = np.array([[[5 + 2 * entry, 6 + 2 * entry], [7, 8]]])
        assert bool(violations(lowered, lie)) == (entry != 2)


def test_limits():
    def built(count):
        made = whole_model(
            {"i": ("int64", [1])},
            [("Gather", ["t", "i"], "y", {})],
            {"y": "int64"},
            t=np.arange(count),
        )
        return build(made, [(np.array([1]),)])

    graph = built(MAX_INDEXED)
    with pytest.raises(InputError, match=r"found 1024 to 1024 .* allowed -1024 to 1023"):
        run(graph, [np.array([MAX_INDEXED])])
    with pytest.raises(UnsupportedError, match=r"shape \[1025\], and 1,024 rows are possible"):
        built(MAX_INDEXED + 1)
