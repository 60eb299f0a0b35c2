"""Normalisations of rows of which some have an outlier: every spelling by one exact rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.graph.single import check, model, node
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.graph import build, dequantise, quantise_inputs, run, torch_run
from verifai.model import Model

skip_without("onnx", "onnxruntime", "onnxscript", "torch")

ROWS, WIDTH = 6, 32
#: Of the range of the rows without an outlier. One of 221 leaves a value of 1 eight bits of 16.
WORST = 1e-3


def step(*arguments: Any, **attributes: Any) -> tuple[Any, ...]:
    """What :func:`node` is given: collecting tests imports no onnx."""
    return arguments, attributes


CENTRED = [
    step("ReduceMean", ["x", "axes"], ["mean"]),
    step("Sub", ["x", "mean"], ["c"]),
]
SQUARES = {
    "Pow": step("Pow", ["c", "two"], ["squares"]),
    "Mul": step("Mul", ["c", "c"], ["squares"]),
}
MEAN = [
    step("ReduceMean", ["squares", "axes"], ["variance"]),
    step("Add", ["variance", "epsilon"], ["shifted"]),
]
ROOT = step("Sqrt", ["shifted"], ["spread"])
ENDS = {
    "divided": [ROOT, step("Div", ["c", "spread"], ["n"])],
    "divided by a power": [
        step("Pow", ["shifted", "half"], ["spread"]),
        step("Div", ["c", "spread"], ["n"]),
    ],
    "times a reciprocal": [
        ROOT,
        step("Reciprocal", ["spread"], ["inverse"]),
        step("Mul", ["c", "inverse"], ["n"]),
    ],
    "times one divided": [
        ROOT,
        step("Constant", [], ["one"], value_float=1.0),
        step("Div", ["one", "spread"], ["inverse"]),
        step("Mul", ["inverse", "c"], ["n"]),
    ],
    "times a power": [
        step("Pow", ["shifted", "minus_half"], ["inverse"]),
        step("Mul", ["c", "inverse"], ["n"]),
    ],
}
AFFINE = [step("Mul", ["n", "gain"], ["s"]), step("Add", ["s", "offset"])]
SUM_OF_SQUARES = [
    step("ReduceSumSquare", ["c", "axes"], ["sum"]),
    step("Div", ["sum", "width"], ["variance"]),
    step("Add", ["variance", "epsilon"], ["shifted"]),
]
SPELLINGS: dict[str, list[Any]] = {
    "LayerNormalization": [step("LayerNormalization", ["x", "gain", "offset"])],
    "RMSNormalization": [step("RMSNormalization", ["x", "gain"])],
    "sum of squares": [*CENTRED, *SUM_OF_SQUARES, *ENDS["divided"], *AFFINE],
    **{
        f"{square}, {end}": [*CENTRED, SQUARES[square], *MEAN, *nodes, *AFFINE]
        for square, end, nodes in (
            *(("Pow", end, nodes) for end, nodes in ENDS.items()),
            ("Mul", "divided", ENDS["divided"]),
        )
    },
    "root mean square": [
        step("Identity", ["x"], ["c"]),
        SQUARES["Pow"],
        *MEAN,
        *ENDS["times a reciprocal"],
        step("Mul", ["gain", "n"]),
    ],
}


def made(name: str) -> Model:
    gain = np.linspace(0.5, 2, WIDTH).astype(np.float32)
    constants = {
        "axes": np.array([-1]),
        "width": np.float32(WIDTH),
        "two": np.float32(2),
        "half": np.float32(0.5),
        "minus_half": np.float32(-0.5),
        "epsilon": np.float32(1e-12),
        "gain": gain,
        "offset": gain - 1,
        "w": np.eye(WIDTH, dtype=np.float32),
    }
    opset = 23 if name == "RMSNormalization" else 18
    nodes = [node(*arguments, **more) for arguments, more in SPELLINGS[name]]
    read = {one for each in nodes for one in each.input}
    kept = {key: value for key, value in constants.items() if key in read}
    # an input has 16 bits; what a layer computes has an outlier in its accumulators
    before = node("MatMul", ["tokens", "spread_out"], ["x"])
    kept["spread_out"] = np.diag([221.0, *np.ones(WIDTH - 1)]).astype(np.float32)
    return model([before, *nodes], {"tokens": (ROWS, WIDTH)}, kept, opset=opset)


def samples(count: int, seed: int) -> list[tuple[np.ndarray, ...]]:
    """The first channel of the first two rows is an outlier behind the first layer."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        x = rng.normal(size=(ROWS, WIDTH)).clip(-3, 3)
        x[:, 0] = 0
        x[:2, 0] = rng.uniform(0.5, 1, 2)
        found.append((x.astype(np.float32),))
    return found


@pytest.mark.parametrize("name", SPELLINGS)
def test_an_outlier_in_one_row_leaves_the_others_precise(name: str) -> None:
    mod = made(name)
    graph = build(mod, samples(16, 1))
    fresh = samples(8, 2)
    integers = quantise_inputs(graph, [np.stack([one for (one,) in fresh])])
    values = run(graph, integers, batch=True)
    for ours, theirs in zip(values, torch_run(graph, integers), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    at = graph.outputs[0]
    found = dequantise(graph, at, values[at])[:, 2:]
    wanted = np.stack([mod.run(one)[0] for (one,) in fresh])[:, 2:]
    error = np.abs(found - wanted).max() / (wanted.max() - wanted.min())
    assert error < WORST
    lowered = lower(graph, Visibility())
    committed = witness(lowered, values, len(fresh))
    assert unsatisfied(lowered.operations, lowered.weights, committed, len(fresh)) == []


def test_every_other_value_beside_an_outlier_is_refused() -> None:
    """Each committed value of one inference is determined: none may be one more, or one less."""
    mod = made("RMSNormalization")
    graph = build(mod, samples(16, 1))
    integers = quantise_inputs(graph, [np.stack([one for (one,) in samples(1, 2)])])
    lowered = lower(graph, Visibility())
    honest = witness(lowered, run(graph, integers, batch=True), 1)
    rng = np.random.default_rng(0)
    given = {
        lowered.operations.committed.index(tensor.node) for tensor in lowered.operations.inputs
    }
    for place, values in enumerate(honest):
        for step in (1, -1) if place not in given else ():
            lie = [array.copy() for array in honest]
            lie[place].reshape(-1)[rng.integers(0, values.size)] += step
            assert unsatisfied(lowered.operations, lowered.weights, lie, 1)


@pytest.mark.parametrize("operator", ["LayerNormalization", "written out"])
def test_rows_of_equal_values_are_normalised_to_zero(operator: str) -> None:
    """As the tokens of an untrained model are. The simplifier drops an epsilon of 1e-12 that it
    sees, and the inverse root of no variance at all is infinite.
    """
    constants = {"gain": np.ones(WIDTH, np.float32)}
    if operator == "LayerNormalization":
        nodes = [node(operator, ["x", "gain"], ["y"], epsilon=1e-12)]
    else:
        constants |= {"axes": np.array([-1])}
        nodes = [
            node("ReduceMean", ["x", "axes"], ["mean"]),
            node("Sub", ["x", "mean"], ["c"]),
            node("Mul", ["c", "c"], ["squares"]),
            node("ReduceMean", ["squares", "axes"], ["variance"]),
            node("Constant", [], ["epsilon"], value=onnx_scalar(1e-12)),
            node("Add", ["variance", "epsilon"], ["shifted"]),
            node("Sqrt", ["shifted"], ["spread"]),
            node("Div", ["c", "spread"], ["n"]),
            node("Mul", ["n", "gain"], ["y"]),
        ]
    mod = model(nodes, {"x": (ROWS, WIDTH)}, constants)
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(ROWS, WIDTH)).clip(-3, 3).astype(np.float32) for _ in range(8)]
    for x in rows:
        x[:2] = [[0.0], [0.5]]
    check(mod, [(x,) for x in rows])


def onnx_scalar(value: float) -> Any:
    """A scalar of float32, as a Constant node holds it."""
    from onnx import numpy_helper

    return numpy_helper.from_array(np.float32(value))


def test_roots_of_small_sums_of_squares():
    """Lengths from 1 down to 2^-12: a square of 16 bits would be 0 for most of them."""
    nodes = [
        node("Mul", ["x", "x"], ["squares"]),
        node("ReduceSum", ["squares", "axis"], ["sums"], keepdims=0),
        node("Sqrt", ["sums"]),
    ]
    made = model(nodes, {"x": (40, 4)}, {"axis": np.array([1])})
    rng = np.random.default_rng(0)
    rows = np.round(rng.uniform(-1, 1, (8, 40, 4)) * 2.0 ** -rng.integers(0, 12, (8, 40, 1)), 4)
    rows[0, :2] = [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]
    graph = build(made, [(row.astype(np.float32),) for row in rows])
    integers = quantise_inputs(graph, [rows.astype(np.float32)])
    values = run(graph, integers, batch=True)
    at = graph.outputs[0]
    held = dequantise(graph, graph.inputs[0], integers[0])
    wanted = np.sqrt((held**2).sum(-1))
    found = dequantise(graph, at, values[at])
    assert np.abs(found - wanted).max() <= 2.0 ** -graph.nodes[at].scale
    assert found[0, 0] == 0
    lowered = lower(graph, Visibility())
    committed = witness(lowered, values, len(rows))
    assert unsatisfied(lowered.operations, lowered.weights, committed, len(rows)) == []
