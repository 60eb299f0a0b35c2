"""ONNX models of a few nodes, and what every one of them must obey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from verifai.graph import IntegerGraph, build, dequantise, quantise_inputs, run, torch_run
from verifai.graph.lower import Options
from verifai.model import Model, load

#: Of the largest value, and in units of the output: weights have 15 bits, activations 16.
RELATIVE = 1e-3
UNITS = 2.0


def model(
    nodes: Sequence[Any],
    inputs: Mapping[str, Sequence[int]],
    constants: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 18,
) -> Model:
    """A model of float inputs; shapes of outputs are inferred."""
    import onnx
    from onnx import helper, numpy_helper

    def info(name: str, shape: Sequence[int] | None) -> Any:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    for place, one in enumerate(nodes):  # onnxruntime wants names once each
        if one.name in {other.name for other in nodes[:place]}:
            one.name += f"_{place}"
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [info(name, shape) for name, shape in inputs.items()],
        [info(name, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in (constants or {}).items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 8
    inferred = onnx.shape_inference.infer_shapes(made, strict_mode=True, data_prop=True)
    return load(inferred.SerializeToString())


def node(
    op: str, inputs: Sequence[str] = ("x",), outputs: Sequence[str] = ("y",), **kw: Any
) -> Any:
    """One ONNX node, named after its operator."""
    from onnx import helper

    return helper.make_node(op, list(inputs), list(outputs), name=kw.pop("name", op), **kw)


def grid(rng: np.random.Generator, shape: Sequence[int], largest: float = 3.0) -> np.ndarray:
    """Values that fixed point holds exactly, so that only the operator's own error is seen."""
    steps = int(largest * 64)
    return np.asarray(rng.integers(-steps, steps + 1, tuple(shape)) / 64, dtype=np.float32)


def check(made: Model, samples: Sequence[tuple[np.ndarray, ...]], **options: Any) -> IntegerGraph:
    """Builds a graph, and holds it to everything that is promised of every graph.

    Numpy and torch agree bit for bit on all nodes, a batch is its inferences one by one, all
    values are within their static bounds, outputs are those of the float model, and the binary
    form gives the same graph back.
    """
    graph = build(made, samples, Options(**options))
    batches = [np.stack([sample[i] for sample in samples]) for i in range(len(samples[0]))]
    integers = quantise_inputs(graph, batches)
    values = run(graph, integers, batch=True)
    within_bounds(graph, values)
    for ours, theirs in zip(values, torch_run(graph, integers), strict=True):
        assert ours.dtype == theirs.dtype == np.int64
        np.testing.assert_array_equal(ours, theirs)
    for place, sample in enumerate(samples):
        alone = run(graph, [array[place] for array in integers])
        for item, one, all_ in zip(graph.nodes, alone, values, strict=True):
            np.testing.assert_array_equal(one, all_[place] if item.batched else all_)
        expected = made.run(sample if len(sample) > 1 else sample[0])
        for at, shape, wanted in zip(graph.outputs, graph.output_shapes, expected, strict=True):
            found = dequantise(graph, at, alone[at]).reshape(shape)
            unit = 2.0 ** -graph.nodes[at].scale
            slack = RELATIVE * float(np.abs(wanted).max()) + UNITS * unit
            np.testing.assert_allclose(found, wanted, rtol=0, atol=slack)
    data = graph.to_bytes()
    again = IntegerGraph.from_bytes(data)
    assert again.to_bytes() == data
    for ours, theirs in zip(values, run(again, integers, batch=True), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    return graph


def within_bounds(graph: IntegerGraph, values: Sequence[np.ndarray]) -> None:
    """Every node's values have its shape and are within its static bounds."""
    for item, array in zip(graph.nodes, values, strict=True):
        assert array.shape[len(array.shape) - len(item.shape) :] == item.shape
        assert array.ndim == len(item.shape) + item.batched
        assert item.low <= array.min(), item
        assert array.max() <= item.high, item
