"""Operators are written out where shapes are known from an example alone."""

from __future__ import annotations

import numpy as np

import verifai
from tests.graph.models import loaded
from verifai.graph import build, dequantise, quantise_inputs, run
from verifai.graph.example import with_shapes
from verifai.graph.expand import known_shapes


def softmax_of_a_selection() -> verifai.Model:
    """Shape inference does not say how long a Compress is, even of a constant."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Compress", ["x", "keep"], ["kept"], axis=1),
        helper.make_node("Softmax", ["kept"], ["y"], axis=-1),
    ]
    keep = numpy_helper.from_array(np.array([True, False, True, True]), "keep")
    return loaded(
        nodes, [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 4])], [keep], ["y"]
    )


def test_shapes_come_from_an_example_where_inference_has_none() -> None:
    import onnx

    proto = onnx.load_from_string(softmax_of_a_selection().onnx)
    assert "kept" not in known_shapes(proto)
    found = with_shapes(proto, {"x": np.ones((2, 4), np.float32)})
    assert known_shapes(found)["kept"] == (2, 3)
    assert not proto.graph.value_info
    assert with_shapes(found, {}) is found


def test_an_operator_after_them_is_written_out() -> None:
    model = softmax_of_a_selection()
    data = np.random.default_rng(0).normal(size=(8, 2, 4)).astype(np.float32)
    graph = build(model, [(x,) for x in data])
    values = run(graph, quantise_inputs(graph, [data]), batch=True)
    made = dequantise(graph, graph.outputs[0], values[graph.outputs[0]])
    wanted = np.array([model.run(x)[0] for x in data])
    assert np.abs(made - wanted).max() < 1e-3


def test_a_range_is_folded_and_not_made_a_loop() -> None:
    """Its body in ONNX's own schema is one."""
    from onnx import TensorProto, helper, numpy_helper

    def scalar(name: str, value: float) -> object:
        return numpy_helper.from_array(np.array(value, np.float32), name)

    nodes = [
        helper.make_node("Constant", [], ["start"], value=scalar("s", 0.0)),
        helper.make_node("Range", ["start", "stop", "step"], ["r"]),
        helper.make_node("Add", ["x", "r"], ["y"]),
    ]
    info = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])
    model = loaded(nodes, [info], [scalar("stop", 3.0), scalar("step", 1.0)], ["y"])
    data = np.random.default_rng(0).normal(size=(8, 1, 3)).astype(np.float32)
    graph = build(model, [(x,) for x in data])
    values = run(graph, quantise_inputs(graph, [data]), batch=True)
    made = dequantise(graph, graph.outputs[0], values[graph.outputs[0]])
    assert np.abs(made - data - np.arange(3)).max() < 1e-3
