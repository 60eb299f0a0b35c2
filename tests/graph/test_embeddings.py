"""Rows of a constant by the integers of an input: exact, public, and of rows that there are."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest

import verifai
from tests.graph.test_whole_inputs import violations, whole_model
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.lowered import NodeValues
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.errors import InputError, UnsupportedError
from verifai.graph import IntegerGraph, Options, build, dequantise, quantise_inputs, run, torch_run
from verifai.graph.integer import Gather

skip_without("onnx", "onnxruntime")


Node = tuple[str, list[str], str, dict[str, Any]]
DIRECT: Node = ("Gather", ["table", "ids"], "y", {})


def embedding(
    rows: int,
    shape: list[int],
    nodes: list[Node] | None = None,
    kind: str = "int64",
    output: str = "float32",
    **constants: Any,
) -> verifai.Model:
    """A lookup of ids in a table of two columns; ``nodes`` in its place, where they are given."""
    table = np.random.default_rng(rows).normal(size=(rows, 2)).astype(np.float32)
    constants = {"table": table, **constants}
    return whole_model({"ids": (kind, shape)}, nodes or [DIRECT], {"y": output}, **constants)


def looked_up(model: verifai.Model, samples: list[np.ndarray]) -> IntegerGraph:
    """The graph of a circuit with public inputs."""
    return build(model, [(sample,) for sample in samples], Options().showing_inputs(["ids"]))


def matched(model: verifai.Model, samples: list[np.ndarray], shown: str = "public") -> IntegerGraph:
    """The integer graph: numpy, torch and circuit agree on it, and it is near onnxruntime's."""
    graph = looked_up(model, samples)
    graph.validate()
    assert IntegerGraph.from_bytes(graph.to_bytes()).to_bytes() == graph.to_bytes()
    given = quantise_inputs(graph, [np.stack(samples)])
    values = run(graph, given, batch=True)
    for one, two in zip(values, torch_run(graph, given), strict=True):
        assert np.array_equal(one, two)
    at = graph.outputs[0]
    made = dequantise(graph, at, values[at]).reshape(len(samples), *graph.output_shapes[0])
    for sample, one in zip(samples, made, strict=True):
        wanted = model.run((sample,))[0]
        assert np.abs(one - wanted).max() <= 2.0 ** (2 - graph.nodes[at].scale)
    lowered = lower(graph, Visibility(input=shown))
    tensors = witness(lowered, values, len(samples))
    assert unsatisfied(lowered.operations, lowered.weights, tensors, len(samples)) == []
    return graph


def drawn(rows: int, shape: list[int], kind: str = "int64") -> list[np.ndarray]:
    """Seeded ids, the last row among them."""
    rng = np.random.default_rng(len(shape))
    found = [rng.integers(0, rows, shape).astype(kind) for _ in range(4)]
    found[0].reshape(-1)[:1] = rows - 1
    return found


@pytest.mark.parametrize("shape", [[], [1], [3], [1, 5], [2, 1, 3]], ids=str)
@pytest.mark.parametrize("rows", [1, 7, 8])
def test_ids_of_any_shape(rows, shape):
    graph = matched(embedding(rows, shape), drawn(rows, shape))
    assert graph.summary()["Gather"] == 1
    node = graph.nodes[graph.inputs[0]]
    assert (node.low, node.high) == (0, {1: 1, 7: 7, 8: 7}[rows])


@pytest.mark.parametrize(
    ("rows", "kind", "high"),
    [
        (100, "int32", 127),
        (100, "uint8", 127),
        (1000, "uint8", 255),
        (50_000, "int64", (1 << 16) - 1),
        (70_000, "int64", (1 << 17) - 1),
    ],
)
def test_the_table_says_how_many_ids_an_input_has(rows, kind, high):
    samples = drawn(min(rows, 256), [3], kind)
    nodes: list[Node] = [("Cast", ["ids"], "whole", {"to": 7}), DIRECT]
    nodes[1] = ("Gather", ["table", "whole"], "y", {})
    node = (graph := matched(embedding(rows, [3], nodes, kind), samples)).nodes[graph.inputs[0]]
    assert (node.low, node.high) == (0, high)


MOVED: dict[str, list[Node]] = {
    "a row more": [("Unsqueeze", ["ids", "axis"], "m", {})],
    "flat": [("Reshape", ["ids", "flat"], "m", {})],
    "turned": [("Transpose", ["ids"], "m", {"perm": [1, 0]})],
    "a part": [("Slice", ["ids", "start", "end"], "m", {})],
    "one column": [("Gather", ["ids", "one"], "m", {"axis": 1})],
    "some, one twice": [("Gather", ["ids", "some"], "m", {"axis": 1})],
    "repeated": [("Expand", ["ids", "wider"], "m", {})],
}


@pytest.mark.parametrize("name", MOVED)
def test_views_of_the_ids(name):
    nodes = [*MOVED[name], ("Gather", ["table", "m"], "y", {})]
    model = embedding(
        9,
        [2, 3],
        nodes,
        axis=np.array([1]),
        flat=np.array([6]),
        start=np.array([1, 0]),
        end=np.array([2, 2]),
        one=np.array(2),
        some=np.array([2, 0, 2]),
        wider=np.array([2, 2, 3]),
    )
    matched(model, drawn(9, [2, 3]))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_any_axis_of_the_table(axis):
    cube = np.random.default_rng(1).normal(size=(4, 4, 4)).astype(np.float32)
    nodes: list[Node] = [("Gather", ["cube", "ids"], "y", {"axis": axis})]
    matched(embedding(4, [2, 3], nodes, cube=cube), drawn(4, [2, 3]))


def test_what_follows_from_the_rows_and_from_the_ids_themselves():
    """A matrix product, a sum, a mask of the padding; integers of a table stay integers."""
    nodes: list[Node] = [
        ("Gather", ["table", "ids"], "rows", {}),
        ("Gather", ["more", "ids"], "others", {}),
        ("Add", ["rows", "others"], "sum", {}),
        ("Equal", ["ids", "padding"], "none", {}),
        ("Cast", ["none"], "float", {"to": 1}),
        ("Unsqueeze", ["float", "last"], "mask", {}),
        ("Add", ["sum", "mask"], "shifted", {}),
        ("MatMul", ["shifted", "matrix"], "y", {}),
    ]
    more = np.random.default_rng(2).normal(size=(20, 2)).astype(np.float32)
    matrix = np.random.default_rng(3).normal(size=(2, 3)).astype(np.float32)
    constants = {"padding": np.array(0), "last": np.array([2]), "more": more, "matrix": matrix}
    graph = matched(embedding(9, [1, 4], nodes, **constants), drawn(9, [1, 4]))
    assert graph.nodes[graph.inputs[0]].high == 15
    whole = embedding(9, [3], output="int64", table=np.arange(9) * 100_000 - 7)
    assert matched(whole, drawn(9, [3])).nodes[-1].scale == 0


@pytest.mark.parametrize("shown", ["private", "committed"])
def test_hidden_ids_are_refused_with_what_to_do(shown):
    graph = looked_up(embedding(7, [3]), drawn(7, [3]))
    with pytest.raises(UnsupportedError, match=f"ids of the {shown} input") as refused:
        lower(graph, Visibility(input=shown))
    assert "one-hot" in (refused.value.hint or "")


def test_hidden_ids_of_a_small_table_are_one_hot_and_of_a_large_one_refused():
    samples = [(x,) for x in drawn(7, [3])]
    assert "Gather" not in build(embedding(7, [3]), samples).summary()
    with pytest.raises(UnsupportedError, match="hidden ids into a table of shape"):
        build(embedding(2000, [3]), samples)
    for shown in ("public", "private"):
        visibility = verifai.Visibility(input=shown)
        circuit = verifai.compile(embedding(7, [3]), samples, visibility=visibility)
        assert ("Gather" in circuit.restored.graph.summary()) == (shown == "public")


def test_ids_that_are_no_rows_are_refused_by_every_run():
    graph = looked_up(embedding(5, [3]), drawn(5, [3]))
    for low, high in ((0, 5), (-1, 2), (0, 8)):
        ids = np.array([low, 1, high])
        with pytest.raises(InputError, match=f"'ids' holds ids from {low} to {high}; .* 0 to 4"):
            quantise_inputs(graph, [ids[np.newaxis]])
        for runner in (run, torch_run):
            with pytest.raises(InputError):
                runner(graph, [ids[np.newaxis]], **({"batch": True} if runner is run else {}))


def test_a_part_of_the_ids_may_be_beyond_another_table():
    """Two columns, each with a table of its own; only the table says which ids there are."""
    nodes: list[Node] = [
        ("Gather", ["ids", "first"], "a", {"axis": 0}),
        ("Gather", ["ids", "second"], "b", {"axis": 0}),
        ("Gather", ["table", "a"], "x", {}),
        ("Gather", ["long", "b"], "z", {}),
        ("Add", ["x", "z"], "y", {}),
    ]
    long = np.random.default_rng(4).normal(size=(8, 2)).astype(np.float32)
    model = embedding(5, [2], nodes, first=np.array(0), second=np.array(1), long=long)
    graph = matched(model, [np.array([4, 7]), np.array([0, 5])])
    with pytest.raises(InputError, match="looks up ids from 7 to 7; its table has 5 rows"):
        run(graph, quantise_inputs(graph, [np.array([[7, 7]])]), batch=True)


def test_other_ids_or_rows_satisfy_no_circuit():
    graph = looked_up(embedding(5, [2, 3]), drawn(5, [2, 3]))
    lowered = lower(graph, Visibility())
    honest = run(graph, quantise_inputs(graph, [drawn(5, [2, 3])[1][np.newaxis]]), batch=True)
    assert not violations(lowered, honest)
    for other in (lambda ids: (ids + 1) % 5, lambda ids: ids * 0 + 5, lambda ids: ids - 9):
        lie = [values.copy() for values in witness(lowered, honest, 1)]
        for values, step in zip(lie, lowered.program, strict=True):
            if step == NodeValues(graph.inputs[0]):
                values[...] = other(values)
        assert unsatisfied(lowered.operations, lowered.weights, lie, 1)
    rows = [weight + 1 for weight in lowered.weights]
    assert unsatisfied(lowered.operations, rows, witness(lowered, honest, 1), 1)


@pytest.mark.parametrize(
    "nodes",
    [
        [("Add", ["ids", "one"], "m", {}), ("Gather", ["table", "m"], "y", {})],
        [("Concat", ["ids", "ids"], "m", {"axis": 0}), ("Gather", ["table", "m"], "y", {})],
        [("Pad", ["ids", "pads"], "m", {}), ("Gather", ["table", "m"], "y", {})],
    ],
    ids=["computed", "joined", "padded"],
)
def test_computed_ids_are_another_matter(nodes):
    """They are no statement's: none becomes a lookup by public ids."""
    model = embedding(9, [3], nodes, one=np.array([1]), pads=np.array([0, 1]))
    with contextlib.suppress(UnsupportedError):
        graph = looked_up(model, drawn(8, [3]))
        assert not any(isinstance(node.operation, Gather) for node in graph.nodes)


@pytest.mark.proof
def test_a_proof_of_an_embedding():
    model = embedding(300, [1, 3])
    samples = drawn(300, [1, 3])
    circuit = verifai.compile(model, [(x,) for x in samples])
    pk, vk = verifai.setup(circuit)
    bundle = verifai.prove(pk, np.stack(samples[:2]), batch=True)
    statement = verifai.verify(bundle, vk)
    assert statement.inputs[0].integers == tuple(int(v) for x in samples[:2] for v in x.ravel())
    for index, sample in enumerate(samples[:2]):
        assert np.abs(statement.outputs[0].values[index] - model.run((sample,))[0]).max() < 1e-3
    with pytest.raises(InputError, match="holds ids from 300 to 300"):
        verifai.prove(pk, np.full((1, 3), 300))
