"""Int8 models are proved as the integer functions that they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tests.graph.test_whole_inputs import exact_graph, whole_model
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.lowered import NodeValues
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.errors import UnsupportedError
from verifai.graph import build, dequantise, quantise_inputs, run
from verifai.graph.integer import Requantise
from verifai.model import Model

skip_without("onnx", "onnxruntime")


def _float(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)


def _stated(acc: np.ndarray, factors: np.ndarray, zero: int, kind: str) -> np.ndarray:
    """``saturate(half_even(acc * factor) + zero)`` in rational numbers."""
    ends = np.iinfo(kind)
    exact = [round(int(a) * f) + zero for a, f in zip(acc.flat, factors.flat, strict=True)]
    return np.clip(np.array(exact).reshape(acc.shape), ends.min, ends.max)


def _products(*scales: Any) -> np.ndarray:
    """``a * b / c`` of float32 scales, exactly."""
    a, b, c = (np.asarray(scale, dtype=np.float32).reshape(-1) for scale in scales)
    made = [Fraction(float(x)) * Fraction(float(a[0])) / Fraction(float(c[0])) for x in b]
    return np.array(made, dtype=object)


def _integers(model: Model, samples: Sequence[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    """What the circuit makes of the samples: of the first output, exact integers."""
    graph = build(model, list(samples))
    made = []
    for sample in samples:
        values = run(graph, quantise_inputs(graph, [x[np.newaxis] for x in sample]), batch=True)
        assert not unsatisfied(
            (lowered := lower(graph, Visibility())).operations,
            lowered.weights,
            witness(lowered, values, 1),
            1,
        )
        at = graph.outputs[0]
        assert graph.nodes[at].scale == 0
        made.append(values[at].reshape(graph.output_shapes[0]))
    return made


def _convolved(x: np.ndarray, kernel: np.ndarray, group: int, **attributes: Any) -> np.ndarray:
    torch = pytest.importorskip("torch")
    made = torch.nn.functional.conv2d(
        torch.tensor(x.astype(np.float64)),
        torch.tensor(kernel.astype(np.float64)),
        groups=group,
        **attributes,
    )
    return made.numpy().astype(np.int64)


@pytest.mark.parametrize(
    ("group", "per_channel", "kind"),
    [(1, True, "uint8"), (4, True, "int8"), (2, False, "int8"), (1, False, "uint8")],
)
def test_qlinear_conv(group, per_channel, kind):
    rng = np.random.default_rng(group)
    ends = np.iinfo(kind)
    kernel = rng.integers(-128, 128, (4, 4 // group, 3, 3)).astype(np.int8)
    scales = _float(rng.uniform(0.002, 0.02, 4 if per_channel else 1))
    constants = {
        "xs": _float(0.031),
        "xz": np.array(rng.integers(ends.min, ends.max), dtype=kind),
        "w": kernel,
        "ws": scales if per_channel else scales.reshape(()),
        "wz": np.zeros(4 if per_channel else (), dtype=np.int8),
        "ys": _float(0.19),
        "yz": np.array(7, dtype=kind),
        "b": rng.integers(-3000, 3000, 4).astype(np.int32),
    }
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"]
    attributes = {"pads": [1, 1, 1, 1], "strides": [2, 1], "group": group}
    model = whole_model(
        {"x": (kind, [1, 4, 6, 5])},
        [("QLinearConv", names, "y", attributes)],
        {"y": kind},
        **constants,
    )
    samples = [(rng.integers(ends.min, ends.max + 1, (1, 4, 6, 5)).astype(kind),) for _ in range(4)]
    factors = _products(constants["xs"], scales, constants["ys"])
    shape = np.broadcast_to(factors.reshape(1, -1, 1, 1), (1, 4, 3, 5))
    for (x,), made in zip(samples, _integers(model, samples), strict=True):
        acc = _convolved(
            x.astype(np.int64) - int(constants["xz"]), kernel, group, padding=1, stride=(2, 1)
        )
        acc += constants["b"].reshape(1, -1, 1, 1)
        assert np.array_equal(made, _stated(acc, shape, 7, kind))
        assert np.abs(made - model.run(x)[0].astype(np.int64)).max() <= 1


@pytest.mark.parametrize("group", [1, 4])
def test_channels_with_ties_have_a_second_quotient(group):
    """Two of four: their factors are powers of two."""
    rng = np.random.default_rng(group)
    scales = _float([0.01307173, 0.25, 0.03113411, 0.125])
    constants = {
        "xs": _float(0.5), "xz": np.uint8(128), "w": rng.integers(-9, 9, (4, 4 // group, 1, 1)),
        "ws": scales, "wz": np.zeros(4, dtype=np.int8), "ys": _float(0.25), "yz": np.uint8(101),
    }  # fmt: skip
    constants["w"] = constants["w"].astype(np.int8)
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
    model = whole_model(
        {"x": ("uint8", [1, 4, 3, 3])},
        [("QLinearConv", names, "y", {"group": group})],
        {"y": "uint8"},
        **constants,
    )
    samples = [(rng.integers(0, 256, (1, 4, 3, 3)).astype(np.uint8),) for _ in range(6)]
    for (x,), made in zip(samples, _integers(model, samples), strict=True):
        assert np.array_equal(made, model.run(x)[0])
    nodes = build(model, samples).nodes
    halves = [node for node in nodes if isinstance(node.operation, Requantise)]
    assert [math.prod(node.shape) for node in halves] == [36, 18]


@pytest.mark.parametrize("between", ["Relu", "Identity", "MaxPool"])
def test_every_number_that_is_quantised_again(between):
    """From steps of 1/32 to steps of 1/7 float32 puts some on ties that are none."""
    constants = {
        "s": _float(1 / 32), "z": np.uint8(5), "t": _float(1 / 7), "u": np.uint8(100),
    }  # fmt: skip
    attributes = {"kernel_shape": [1]} if between == "MaxPool" else {}
    nodes = [
        ("DequantizeLinear", ["x", "s", "z"], "a", {}),
        (between, ["a"], "b", attributes),
        ("QuantizeLinear", ["b", "t", "u"], "y", {}),
    ]
    model = whole_model({"x": ("uint8", [1, 1, 256])}, nodes, {"y": "uint8"}, **constants)
    every = np.arange(256, dtype=np.uint8).reshape(1, 1, 256)
    (made,) = _integers(model, [(every,)])
    assert np.array_equal(made, model.run(every)[0])


@pytest.mark.parametrize("computed", [False, True])
def test_qlinear_matmul(computed):
    rng = np.random.default_rng(5)
    right = rng.integers(-128, 128, (5, 3)).astype(np.int8)
    constants = {
        "xs": _float(0.02), "xz": np.uint8(120), "ws": _float(0.013), "wz": np.int8(-3),
        "ys": _float(0.05), "yz": np.uint8(128),
    }  # fmt: skip
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
    inputs = {"x": ("uint8", [4, 5])}
    if computed:
        inputs["w"] = ("int8", [5, 3])
    else:
        constants["w"] = right
    model = whole_model(inputs, [("QLinearMatMul", names, "y", {})], {"y": "uint8"}, **constants)
    samples = [
        (rng.integers(0, 256, (4, 5)).astype(np.uint8), *((right,) if computed else ()))
        for _ in range(4)
    ]
    factor = _products(constants["xs"], constants["ws"], constants["ys"])
    for (x, *_), made in zip(samples, _integers(model, samples), strict=True):
        acc = (x.astype(np.int64) - 120) @ (right.astype(np.int64) + 3)
        assert np.array_equal(made, _stated(acc, np.broadcast_to(factor, acc.shape), 128, "uint8"))


def test_integer_products():
    rng = np.random.default_rng(6)
    for operator, shapes, attributes in (
        ("MatMulInteger", ([3, 5], [5, 2]), {}),
        ("ConvInteger", ([1, 2, 5, 4], [3, 2, 2, 3]), {"pads": [1, 0, 0, 1]}),
    ):
        right = rng.integers(0, 256, shapes[1]).astype(np.uint8)
        model = whole_model(
            {"x": ("uint8", shapes[0])},
            [(operator, ["x", "w", "xz", "wz"], "y", attributes)],
            {"y": "int32"},
            w=right,
            xz=np.uint8(130),
            wz=np.uint8(7),
        )
        exact_graph(model, [(rng.integers(0, 256, shapes[0]).astype(np.uint8),) for _ in range(3)])


def test_both_sides_of_a_quantisation_by_channel():
    rng = np.random.default_rng(7)
    scales = _float([0.5, 0.03, 2.0**-6])
    nodes = [
        ("QuantizeLinear", ["x", "s", "z"], "q", {"axis": 1}),
        ("DequantizeLinear", ["q", "s", "z"], "y", {"axis": 1}),
    ]
    model = whole_model(
        {"x": ("float32", [2, 3, 4])}, nodes, {"y": "float32"}, s=scales, z=np.zeros(3, np.int8)
    )
    samples = [(_float(rng.normal(0, 3, (2, 3, 4))),) for _ in range(4)]
    graph = build(model, samples)
    for (x,) in samples:
        given = quantise_inputs(graph, [x[np.newaxis]])
        values = run(graph, given, batch=True)
        exact = dequantise(graph, graph.inputs[0], given[0])[0]
        wanted = [
            min(max(round(Fraction(float(v)) / Fraction(float(s))), -128), 127) * float(s)
            for v, s in zip(
                exact.flat, np.broadcast_to(scales.reshape(1, 3, 1), x.shape).flat, strict=True
            )
        ]
        made = dequantise(graph, graph.outputs[0], values[graph.outputs[0]]).reshape(-1)
        unit = 2.0 ** -graph.nodes[graph.outputs[0]].scale
        assert np.abs(made - wanted).max() <= unit


@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_a_net_of_quantised_and_dequantised_parts(kind):
    """Convolutions, a cut, a sum, a mean and a product, all between the two operators."""
    rng = np.random.default_rng(8)
    zero = 128 if kind == "uint8" else 0
    constants: dict[str, Any] = {"z": np.array(zero, dtype=kind), "six": _float(6.0)}
    nodes: list[tuple[str, list[str], str, dict[str, Any]]] = []

    def quantised(name: str, scale: float) -> str:
        constants[f"{name}_s"] = _float(scale)
        nodes.append(("QuantizeLinear", [name, f"{name}_s", "z"], f"{name}_q", {}))
        nodes.append(("DequantizeLinear", [f"{name}_q", f"{name}_s", "z"], f"{name}_d", {}))
        return f"{name}_d"

    def weight(name: str, *shape: int) -> str:
        constants[f"{name}_q"] = rng.integers(-127, 128, shape).astype(np.int8)
        constants[f"{name}_s"] = _float(rng.uniform(0.003, 0.01, shape[0]))
        constants[f"{name}_z"] = np.zeros(shape[0], dtype=np.int8)
        inputs = [f"{name}_q", f"{name}_s", f"{name}_z"]
        nodes.append(("DequantizeLinear", inputs, name, {"axis": 0}))
        return name

    def bias(name: str, unit: Any) -> str:
        scale = _float(unit).reshape(-1)
        constants[f"{name}_q"] = rng.integers(-900, 900, len(scale)).astype(np.int32)
        constants[f"{name}_s"] = scale
        nodes.append(("DequantizeLinear", [f"{name}_q", f"{name}_s"], name, {"axis": 0}))
        return name

    x = quantised("x", 0.03)
    w = weight("w", 6, 2, 3, 3)
    b = bias("b", constants["w_s"] * np.float32(0.03))
    nodes.append(("Conv", [x, w, b], "c", {"pads": [1, 1, 1, 1], "strides": [2, 2]}))
    nodes.append(("Clip", ["c", "", "six"], "c6", {}))
    first = quantised("c6", 0.05)
    nodes.append(("Conv", [first, weight("v", 6, 1, 3, 3)], "d", {"pads": [1] * 4, "group": 6}))
    nodes.append(("Relu", ["d"], "dr", {}))
    second = quantised("dr", 0.041)
    nodes.append(("Add", [first, second], "e", {}))
    third = quantised("e", 0.07)
    nodes.append(("MaxPool", [third], "p", {"kernel_shape": [2, 2], "strides": [2, 2]}))
    nodes.append(("GlobalAveragePool", [quantised("p", 0.07)], "g", {}))
    nodes.append(("Flatten", [quantised("g", 0.05)], "f", {}))
    nodes.append(("Gemm", ["f", weight("u", 3, 6)], "h", {"transB": 1}))
    last = quantised("h", 0.02)
    nodes[-1] = (*nodes[-1][:2], "y", {})
    assert last == "h_d"
    model = whole_model({"x": ("float32", [1, 2, 8, 8])}, nodes, {"y": "float32"}, **constants)
    # fixed point holds these exactly: of others, one could be on another side of a step
    drawn = rng.normal(0, 1.5, (8, 1, 2, 8, 8))
    samples = [(_float(np.rint(each * 256) / 256),) for each in drawn]
    graph = build(model, samples)
    assert {type(graph.nodes[at].operation).__name__ for at in graph.inputs} == {"Input"}
    for sample in samples:
        values = run(graph, quantise_inputs(graph, [sample[0][np.newaxis]]), batch=True)
        made = dequantise(graph, graph.outputs[0], values[graph.outputs[0]]).reshape(-1)
        real = model.run(sample)[0].reshape(-1)
        assert np.abs(made - real).max() < 0.02 / 16  # of a unit of the output
    lowered = lower(graph, Visibility())
    assert not unsatisfied(lowered.operations, lowered.weights, witness(lowered, values, 1), 1)


def test_dynamic_quantisation():
    rng = np.random.default_rng(9)
    right = rng.integers(-127, 128, (6, 4)).astype(np.int8)
    import onnx
    from onnx import helper, numpy_helper

    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("MatMulInteger", ["q", "w", "z"], ["a"]),
        helper.make_node("Cast", ["a"], ["f"], to=1),
        helper.make_node("Mul", ["s", "ws"], ["t"]),
        helper.make_node("Mul", ["f", "t"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", 1, [2, 6])],
        [helper.make_tensor_value_info("y", 1, [2, 4])],
        [numpy_helper.from_array(right, "w"), numpy_helper.from_array(_float(0.01), "ws")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model = Model.from_bytes(onnx.shape_inference.infer_shapes(made).SerializeToString())
    samples = [(_float(rng.normal(0, 1, (2, 6))),) for _ in range(16)]
    built = build(model, samples)
    for sample in samples:
        values = run(built, quantise_inputs(built, [sample[0][np.newaxis]]), batch=True)
        got = dequantise(built, built.outputs[0], values[built.outputs[0]])[0]
        real = model.run(sample)[0]
        # a unit of the dynamic scale, times the largest weights of a row
        unit = float(np.ptp(np.append(sample[0], 0))) / 255 * 0.01 * 127
        assert np.abs(got - real).max() <= 3 * unit


def test_another_result_satisfies_no_circuit():
    """Quotient, remainder and the table's entry have one value each for an accumulator."""
    constants = {
        "s": _float(0.3), "z": np.int8(2), "t": _float(0.7), "zt": np.int8(-1),
        "w": np.array([[3]], dtype=np.int8),
    }  # fmt: skip
    names = ["x", "s", "z", "w", "s", "z", "t", "zt"]
    nodes = [("QLinearMatMul", names, "y", {})]
    model = whole_model({"x": ("int8", [1, 1])}, nodes, {"y": "int8"}, **constants)
    samples = [(np.array([[v]], dtype=np.int8),) for v in (-128, 5, 127)]
    graph = build(model, samples)
    lowered = lower(graph, Visibility(output="private"))
    values = run(graph, quantise_inputs(graph, [samples[1][0][np.newaxis]]), batch=True)
    honest = witness(lowered, values, 1)
    check = (lowered.operations, lowered.weights)
    assert not unsatisfied(*check, honest, 1)
    places = [
        at
        for at, step in enumerate(lowered.program)
        if not isinstance(step, NodeValues) or step.node not in graph.inputs
    ]
    assert len(places) >= 3
    for place in places:
        for change in (-256, -2, -1, 1, 2, 255):
            lie = [array.copy() for array in honest]
            lie[place] += change
            assert unsatisfied(*check, lie, 1)
    first, *others = places
    for change in (-1, 1):  # the quotient and the remainder together
        lie = [array.copy() for array in honest]
        lie[first] += change
        for place in others:
            lie[place] -= change * (1 << 16)
        assert unsatisfied(*check, lie, 1)


@pytest.mark.parametrize(
    ("constants", "reason"),
    [
        ({"s": _float(np.inf), "z": np.int8(0)}, "no rule covers"),
        ({"s": _float(0), "z": np.int8(0)}, "a scale that is not positive"),
        ({"s": _float(1e-30), "z": np.int8(0)}, "steps no shift of 48 bits tells apart"),
        ({"s": _float(-0.5), "z": np.int8(0)}, "a scale that is not positive"),
        ({"s": _float([0.5, 0.2]), "z": np.array([1, 2], np.int8)}, "a zero point for each"),
    ],
)
def test_refusals(constants, reason):
    model = whole_model(
        {"x": ("float32", [1, 2])},
        [("QuantizeLinear", ["x", "s", "z"], "y", {"axis": 1})],
        {"y": "int8"},
        **constants,
    )
    with pytest.raises(UnsupportedError, match=reason):
        build(model, [(_float([[1.0, 2.0]]),)])
