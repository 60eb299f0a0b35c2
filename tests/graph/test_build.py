"""Whole models: fidelity, refusals, overflow, saturation."""

from __future__ import annotations

import functools
import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graph.single import check, grid, model, node, within_bounds
from tests.needs import skip_without
from verifai.errors import InputError, UnsupportedError, UsageError
from verifai.graph import Options, build, dequantise, fidelity, quantise_inputs, run, torch_run
from verifai.graph.integer import Reshape, sources
from verifai.model import Model

skip_without("onnxruntime", "torch")


def export(module, example):
    import torch

    import verifai

    return verifai.export(module, (torch.from_numpy(example),))


@pytest.mark.parametrize(
    "name", ["mlp", *(pytest.param(name, marks=pytest.mark.slow) for name in ("digits", "lenet"))]
)
def test_fidelity_of_the_reference_models(name):
    import torch

    if name == "lenet":
        pytest.importorskip("sklearn")
    from benchmarks.models import MODELS

    work = MODELS[name]()
    made = export(work.module, work.calibration[0])
    graph = build(made, [(one,) for one in work.calibration])
    measured = fidelity(graph, made, [(one,) for one in work.held_out])
    assert measured.samples == len(work.held_out)
    assert measured.relative_error <= 5e-4
    assert measured.mean_error <= measured.maximum_error
    assert measured.top1 is not None
    assert measured.top1 >= 0.995
    assert all(used <= has for used, has in measured.bits.values())
    # one requantisation per layer, no reshape that claims would have to merge axes for
    layers = sum(isinstance(m, (torch.nn.Linear, torch.nn.Conv2d)) for m in work.module.modules())
    assert graph.summary()["Requantise"] == graph.summary()["Einsum"] == layers
    assert not any(isinstance(item.operation, Reshape) for item in graph.nodes)


def test_no_node_is_dead():
    rng = np.random.default_rng(0)
    nodes = [
        node("Relu", ["x"], ["r"]),
        node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["p"], ["f"]),
        node("MatMul", ["f", "w"]),
    ]
    made = model(nodes, {"x": (1, 2, 4, 4)}, {"w": grid(rng, (8, 3))})
    graph = check(made, [(grid(rng, (1, 2, 4, 4)),)])
    read = {source for item in graph.nodes for source in sources(item.operation)}
    assert read | set(graph.outputs) == set(range(len(graph.nodes)))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_static_bounds_hold_at_the_corners(seed, torch_too):
    # inputs at the ends of their 16 bits, weights of one sign or of both: nothing in between may
    # leave its bounds, but a requantised tensor may leave its range, and says so
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], (1, 3, 5)) if seed % 2 else np.ones((1, 3, 5))
    nodes = [
        node("MatMul", ["x", "w"], ["m"]),
        node("Add", ["m", "b"], ["a"]),
        node("LeakyRelu", ["a"], ["l"], alpha=0.2),
        node("Concat", ["l", "x"], ["c"], axis=-1),
        node("ReduceMax", ["c", "axes"], ["r"]),
        node("Sub", ["c", "r"]),
    ]
    constants = {"w": grid(rng, (5, 4)), "b": grid(rng, (4,)), "axes": np.array([2])}
    made = model(nodes, {"x": (1, 3, 5)}, constants)
    graph = build(made, [(grid(rng, (1, 3, 5)),)])
    item = graph.nodes[graph.inputs[0]]
    corner = np.where(signs > 0, item.high, item.low).astype(np.int64)[None]
    runner = torch_run if torch_too else functools.partial(run, batch=True)
    for integers in (corner, corner // 4, corner // 16):
        try:
            values = runner(graph, [integers])
        except InputError as error:
            message = error.message
        else:
            within_bounds(graph, values)
            continue
        assert "overflows" in message


def test_all_unsupported_nodes_are_listed_at_once():
    nodes = [
        node("Det", ["x"], ["a"], name="first"),
        node("RandomNormalLike", ["x"], ["b"], name="second"),
        node("Relu", ["b"], ["c"], name="innocent"),
        node("Det", ["c"], ["d"], name="third"),
        node("Add", ["a", "d"], name="sum"),
    ]
    made = model(nodes, {"x": (3, 3)})
    with pytest.raises(UnsupportedError) as caught:
        build(made, [(np.eye(3, dtype=np.float32),)])
    found = [(item["node"], item["operator"]) for item in caught.value.details["nodes"]]
    assert found == [("first", "Det"), ("second", "RandomNormalLike"), ("third", "Det")]
    for item in caught.value.details["nodes"]:
        assert item["node"] in caught.value.message
        assert item["reason"] in caught.value.message


@pytest.mark.parametrize(
    ("nodes", "inputs", "reason"),
    [
        ([("Conv", ["x", "w"])], {"x": (1, 1, 4, 4), "w": (1, 1, 2, 2)}, "kernel is computed"),
        ([("Pow", ["x", "w"])], {"x": (2,), "w": (2,)}, "exponent is computed"),
    ],
)
def test_what_has_to_be_constant(nodes, inputs, reason):
    made = model([node(op, names) for op, names in nodes], inputs)
    data = tuple(np.ones(shape, np.float32) for shape in inputs.values())
    with pytest.raises(UnsupportedError, match=reason):
        build(made, [data])


def test_random_operators_are_not_folded_into_a_constant_of_ours():
    nodes = [node("RandomNormal", [], ["r"], shape=[3], dtype=1), node("Add", ["x", "r"])]
    with pytest.raises(UnsupportedError, match="random"):
        build(model(nodes, {"x": (3,)}), [(np.ones(3, np.float32),)])


@pytest.mark.parametrize(
    ("op", "constants", "x"), [("Mul", {"c": np.float32(1e6)}, 1.0), ("Relu", {}, 1e6)]
)
def test_outputs_beyond_16_bits_have_steps_above_1(op, constants, x):
    made = model([node(op, ["x", *constants])], {"x": (3,)}, constants)
    sample = np.full(3, x, np.float32)
    graph = build(made, [(sample,)])
    at = graph.outputs[0]
    values = run(graph, quantise_inputs(graph, [sample[np.newaxis]]), batch=True)
    unit = 2.0 ** -graph.nodes[at].scale
    assert unit > 1
    assert np.abs(dequantise(graph, at, values[at]) - 1e6).max() <= 2 * unit


def test_a_failure_of_onnxruntime_is_unsupported():
    # a reshape of what has another number of elements, which shape inference does not see
    nodes = [
        node("Expand", ["x", "e"], ["a"]),
        node("Cast", ["s"], ["i"], to=7),
        node("Reshape", ["a", "i"]),
    ]
    import onnx

    made = onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes,
            "graph",
            [onnx.helper.make_tensor_value_info("x", 1, [3])],
            [onnx.helper.make_tensor_value_info("y", 1, [2, 2])],
            [
                onnx.numpy_helper.from_array(np.array([3]), "e"),
                onnx.numpy_helper.from_array(np.array([2.0, 2.0], np.float32), "s"),
            ],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
        ir_version=8,
    )
    from verifai.model import load

    with pytest.raises(UnsupportedError, match="onnxruntime cannot run"):
        build(load(made.SerializeToString()), [(np.ones(3, np.float32),)])


def overflowing():
    nodes = [node("MatMul", ["x", "w"], ["m"], name="product"), node("Relu", ["m"])]
    made = model(nodes, {"x": (1, 4)}, {"w": np.ones((4, 2), np.float32)})
    calibration = [(np.array([[1, -1, 1, -0.5]], np.float32),)]
    beyond = np.array([[[1, 1, 1, 1]]], np.float32)
    return made, calibration, beyond


@pytest.mark.parametrize("runs", ["numpy", "torch"])
def test_an_overflow_names_the_node_what_was_found_and_what_is_allowed(runs):
    made, calibration, beyond = overflowing()
    graph = build(made, calibration)
    integers = quantise_inputs(graph, [beyond])
    with pytest.raises(InputError) as caught:
        run(graph, integers, batch=True) if runs == "numpy" else torch_run(graph, integers)
    error = caught.value
    assert error.details["node"] in ("product", "Relu")
    assert error.details["node"] in error.message
    assert error.details["allowed"] == [-(2**15), 2**15 - 1]
    assert error.details["observed"][1] > 2**15 - 1


def test_one_bit_of_head_room():
    made, _, _ = overflowing()
    graph = build(made, [(np.array([[1, -1, 1, -0.4]], np.float32),)])  # the sum is 0.6
    integers = quantise_inputs(graph, [np.array([[[1, -0.5, 1, -0.4]]])])  # and now 1.1
    at = graph.outputs[0]
    found = dequantise(graph, at, run(graph, integers, batch=True)[at])
    np.testing.assert_allclose(found, 1.1, atol=1e-3)
    # and not many more: precision would be lost
    with pytest.raises(InputError, match="overflows"):
        run(graph, quantise_inputs(graph, [np.array([[[1, 0.5, 1, -0.4]]])]), batch=True)


def test_saturation_clips_instead():
    made, calibration, beyond = overflowing()
    strict, graph = build(made, calibration), build(made, calibration, Options(saturate=True))
    values = run(graph, quantise_inputs(graph, [beyond]), batch=True)
    for ours, theirs in zip(
        values, torch_run(graph, quantise_inputs(graph, [beyond])), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    at = graph.outputs[0]
    assert (values[at] == 2**15 - 1).all()
    # and changes nothing within the range
    inside = quantise_inputs(graph, [calibration[0][0][None]])
    np.testing.assert_array_equal(
        run(graph, inside, batch=True)[at], run(strict, inside, batch=True)[strict.outputs[0]]
    )


def test_saturation_never_changes_an_input():
    """A statement is about the input that was given: one beyond its range is refused, and one that
    its owner clipped is shown clipped.
    """
    import verifai

    made, calibration, beyond = overflowing()
    circuit = verifai.compile(
        made, [one for (one,) in calibration], options=verifai.NativeOptions(saturate=True)
    )
    key, verifying = verifai.setup(circuit)
    # within the range of inputs, beyond that of the sum: it is the sum that is clipped
    statement = verifai.verify(verifai.prove(key, beyond[0]), verifying)
    np.testing.assert_allclose(statement.input.values, beyond[0], atol=1e-4)
    top = statement.output.spec.scale
    assert set(statement.output.integers) == {2**15 - 1}
    assert (2**15 - 1) / 2**top < float(beyond.sum())
    far = np.float32([[1, 9, 1, -9]])
    with pytest.raises(InputError) as caught:
        verifai.prove(key, far)
    low, high = caught.value.details["allowed"]
    assert f"numpy.clip(input, {low:.6g}, {high:.6g})" in caught.value.hint
    clipped = np.clip(far, low, high)
    statement = verifai.verify(verifai.prove(key, clipped), verifying)
    np.testing.assert_array_equal(statement.input.values, clipped)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, 4.0, -4.5])
def test_inputs_that_are_not_in_range(value):
    made = model([node("Relu")], {"x": (2, 3)})
    graph = build(made, [(np.ones((2, 3), np.float32),)])
    data = np.zeros((1, 2, 3))
    data[0, 1, 2] = value
    with pytest.raises(InputError) as caught:
        quantise_inputs(graph, [data])
    assert "'x'" in caught.value.message
    assert f"{caught.value.details['allowed'][1]:.6g}" in caught.value.message
    if np.isfinite(value):
        assert value in caught.value.details["observed"]


@pytest.mark.parametrize("shape", [(2, 3), (1, 3, 2), (1, 2, 3, 1), (0, 2, 3), ()])
def test_inputs_of_another_shape(shape):
    made = model([node("Relu")], {"x": (2, 3)})
    graph = build(made, [(np.ones((2, 3), np.float32),)])
    with pytest.raises(InputError, match="'x' has shape"):
        quantise_inputs(graph, [np.zeros(shape)])
    if shape != (2, 3):
        with pytest.raises(InputError, match="'x' has shape"):
            run(graph, [np.zeros(shape, np.int64)], batch=True)
    with pytest.raises(InputError, match="1 inputs, found 2"):
        quantise_inputs(graph, [np.zeros((1, 2, 3))] * 2)
    with pytest.raises(InputError, match="1 inputs, found 2"):
        torch_run(graph, [np.zeros((1, 2, 3), np.int64)] * 2)


def test_a_calibration_that_is_not_finite_names_the_tensor():
    nodes = [node("Log", ["x"], ["middle"]), node("Relu", ["middle"])]
    with pytest.raises(InputError, match="'middle' is not finite"):
        build(model(nodes, {"x": (2,)}), [(np.array([-1, 1], np.float32),)])


def test_inputs_round_half_up():
    graph = build(model([node("Relu")], {"x": (4,)}), [(np.full(4, 1000, np.float32),)])
    scale = graph.nodes[graph.inputs[0]].scale
    halves = np.array([[-1.5, -0.5, 0.5, 1.5]]) / 2.0**scale
    assert quantise_inputs(graph, [halves])[0].tolist() == [[-1, 0, 1, 2]]


def test_several_inputs_and_outputs_and_one_that_is_both():
    rng = np.random.default_rng(0)
    nodes = [node("Add", ["a", "b"], ["sum"]), node("Identity", ["a"], ["same"])]
    made = model(nodes, {"a": (2, 3), "b": (3,)}, outputs=["sum", "same"])
    check(made, [(grid(rng, (2, 3)), grid(rng, (3,))) for _ in range(3)])


@pytest.mark.parametrize("bits", [(8, 8), (12, 12), (16, 16)])
def test_more_bits_are_more_faithful(bits):
    rng = np.random.default_rng(0)
    made = model([node("MatMul", ["x", "w"])], {"x": (4, 32)}, {"w": grid(rng, (32, 8))})
    data = [(rng.normal(size=(4, 32)).astype(np.float32),) for _ in range(4)]
    graph = build(made, data, Options(activation_bits=bits[0], weight_bits=bits[1]))
    error = fidelity(graph, made, data).relative_error
    assert 2.0 ** -(bits[0] + 3) < error < 2.0 ** -(bits[0] - 3)


@pytest.mark.parametrize(
    "options",
    [
        {"activation_bits": 17},
        {"weight_bits": 3},
        {"weight_bits": True},
        {"saturate": 1},
    ],
)
def test_options_out_of_range(options):
    with pytest.raises(UsageError):
        Options(**options)


def test_fidelity_says_what_it_measured():
    rng = np.random.default_rng(0)
    made = model([node("MatMul", ["x", "w"])], {"x": (4, 8)}, {"w": grid(rng, (8, 3))})
    data = [(grid(rng, (4, 8)),) for _ in range(40)]  # several chunks
    graph = build(made, data)
    measured = fidelity(graph, made, data)
    expected = np.stack([made.run(one)[0] for (one,) in data])
    integers = quantise_inputs(graph, [np.stack([one for (one,) in data])])
    at = graph.outputs[0]
    found = dequantise(graph, at, run(graph, integers, batch=True)[at])
    error = np.abs(found - expected)
    assert measured.maximum_error == error.max()
    assert measured.mean_error == pytest.approx(error.mean())
    assert measured.relative_error == error.max() / (expected.max() - expected.min())
    assert measured.top1 == (found.argmax(-1) == expected.argmax(-1)).mean()
    assert set(measured.bits) == {"x", "MatMul"}
    assert "40 inputs" in repr(measured)
    with pytest.raises(UsageError):
        fidelity(graph, made, [])


def test_fidelity_runs_a_few_inputs_at_a_time(monkeypatch):
    # the values of all nodes of a convolution on hundreds of inputs take gigabytes
    module = importlib.import_module("verifai.graph.fidelity")
    sizes = []

    def counted(graph, inputs, *, batch):
        sizes.append(len(inputs[0]))
        return run(graph, inputs, batch=batch)

    monkeypatch.setattr(module, "run", counted)
    made = model([node("Relu")], {"x": (3,)})
    data = [(np.full(3, i / 50, np.float32),) for i in range(50)]
    fidelity(build(made, data), made, data)
    assert sum(sizes) == 50
    assert max(sizes) <= module.CHUNK <= 64


def test_a_model_of_too_many_nodes_is_refused_at_once():
    import onnx
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Neg", [f"t{i}"], [f"t{i + 1}"]) for i in range(8_193)]
    ends = [helper.make_tensor_value_info(f"t{i}", TensorProto.FLOAT, [2]) for i in (0, 8_193)]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(proto)
    chain = Model.from_bytes(proto.SerializeToString())
    with pytest.raises(UnsupportedError, match="MAX_LOWERED_NODES"):
        build(chain, [(np.zeros(2, np.float32),)])
