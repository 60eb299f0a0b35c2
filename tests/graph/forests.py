"""Models of ``ai.onnx.ml``: one node, random trees, and what every one of them must obey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.graph import IntegerGraph, build, dequantise, quantise_inputs, run, torch_run
from verifai.model import Model, load

#: Inputs are multiples of this: fixed point holds them, and ties are common.
STEP = 0.25


def tabular(
    op: str,
    shapes: Sequence[Sequence[int]],
    outputs: Mapping[str, Any] | Sequence[str] = ("y",),
    *,
    dtype: type[np.generic] = np.float32,
    opset: int = 3,
    constants: Mapping[str, Any] | None = None,
    cast: bool = False,
    **attributes: Any,
) -> Model:
    """A model of one node, which reads the inputs as they are, or cast to float. Outputs by name,
    those that are no floats with their type.
    """
    from onnx import TensorProto, helper, numpy_helper

    kinds = outputs if isinstance(outputs, Mapping) else dict.fromkeys(outputs, TensorProto.FLOAT)
    names = [f"x{i}" for i in range(len(shapes))]
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    before = [helper.make_node("Cast", [name], [f"{name}_float"], to=1) for name in names * cast]
    read = [node.output[0] for node in before] or names
    one = helper.make_node(
        op, [*read, *(constants or {})], list(kinds), name=op, domain="ai.onnx.ml", **attributes
    )
    graph = helper.make_graph(
        [*before, one],
        "graph",
        [helper.make_tensor_value_info(n, kind, s) for n, s in zip(names, shapes, strict=True)],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in (constants or {}).items()],
    )
    sets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", opset)]
    return load(helper.make_model(graph, opset_imports=sets, ir_version=9).SerializeToString())


def rows(rng: np.random.Generator, count: int, width: int, largest: float = 4) -> np.ndarray:
    """Multiples of STEP."""
    steps = round(largest / STEP)
    return (rng.integers(-steps, steps + 1, (count, 1, width)) * STEP).astype(np.float32)


def trees(
    rng: np.random.Generator,
    count: int,
    depth: int,
    width: int,
    modes: Sequence[str] = ("BRANCH_LEQ",),
) -> dict[str, Any]:
    """Attributes of random trees of which some branches end early; thresholds are inputs, too."""
    names = ["treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids"]
    made: dict[str, list[Any]] = {f"nodes_{name}": [] for name in names}
    leaves: list[tuple[int, int]] = []

    def grow(tree: int, level: int) -> int:
        number = sum(owner == tree for owner in made["nodes_treeids"])
        at = len(made["nodes_treeids"])
        leaf = level == depth or (level > 0 and rng.random() < 0.25)
        values = {
            "treeids": tree,
            "nodeids": number,
            "featureids": 0 if leaf else int(rng.integers(width)),
            "modes": "LEAF" if leaf else str(rng.choice(list(modes))),
            "values": 0.0 if leaf else float(rng.integers(-12, 13) * STEP),
            "truenodeids": 0,
            "falsenodeids": 0,
        }
        for name, value in values.items():
            made[f"nodes_{name}"].append(value)
        if leaf:
            leaves.append((tree, number))
        else:
            made["nodes_truenodeids"][at] = grow(tree, level + 1)
            made["nodes_falsenodeids"][at] = grow(tree, level + 1)
        return number

    for tree in range(count):
        grow(tree, 0)
    return made | {"leaves": leaves}


def regressor(
    rng: np.random.Generator, made: dict[str, Any], width: int, targets: int = 1, **more: Any
) -> Model:
    """A TreeEnsembleRegressor; every leaf has every target."""
    leaves = made["leaves"]
    return tabular(
        "TreeEnsembleRegressor",
        [(1, width)],
        n_targets=targets,
        target_treeids=[tree for tree, _ in leaves for _ in range(targets)],
        target_nodeids=[number for _, number in leaves for _ in range(targets)],
        target_ids=list(range(targets)) * len(leaves),
        target_weights=rng.normal(size=len(leaves) * targets).tolist(),
        **{name: value for name, value in made.items() if name != "leaves"},
        **more,
    )


def classifier(
    rng: np.random.Generator,
    made: dict[str, Any],
    width: int,
    labels: Sequence[Any],
    ids: Sequence[int],
    *,
    positive: bool = True,
    **more: Any,
) -> Model:
    """A TreeEnsembleClassifier with weights of these classes."""
    from onnx import TensorProto

    leaves = made["leaves"]
    weights = rng.uniform(0 if positive else -1, 1, len(leaves) * len(ids))
    if positive:
        weights /= len(set(made["nodes_treeids"]))
    text = isinstance(labels[0], str)
    more["classlabels_strings" if text else "classlabels_int64s"] = list(labels)
    return tabular(
        "TreeEnsembleClassifier",
        [(1, width)],
        {"label": TensorProto.STRING if text else TensorProto.INT64, "y": TensorProto.FLOAT},
        class_treeids=[tree for tree, _ in leaves for _ in ids],
        class_nodeids=[number for _, number in leaves for _ in ids],
        class_ids=list(ids) * len(leaves),
        class_weights=weights.tolist(),
        **{name: value for name, value in made.items() if name != "leaves"},
        **more,
    )


def check(
    made: Model, samples: np.ndarray | Sequence[tuple[np.ndarray, ...]], units: float = 2.0
) -> IntegerGraph:
    """Integers are those of torch and of a satisfied circuit; outputs those of onnxruntime, whole
    ones exactly, others within so many units.
    """
    rows = [(sample,) if isinstance(sample, np.ndarray) else sample for sample in samples]
    graph = build(made, rows)
    arrays = [np.stack([row[i] for row in rows]) for i in range(len(graph.inputs))]
    inputs = quantise_inputs(graph, arrays)
    values = run(graph, inputs, batch=True)
    for one, two in zip(values, torch_run(graph, inputs), strict=True):
        assert np.array_equal(one, two)
    real = [made.run(row if len(row) > 1 else row[0]) for row in rows]
    for position, (at, shape) in enumerate(zip(graph.outputs, graph.output_shapes, strict=True)):
        found = dequantise(graph, at, values[at]).reshape(-1, *shape)
        wanted = np.stack([row[position] for row in real])
        if wanted.dtype.kind in "iub":
            assert np.array_equal(found, wanted), graph.output_names[position]
        else:
            unit = 2.0 ** -graph.nodes[at].scale
            assert np.abs(found - wanted).max() <= units * unit, (found - wanted, unit)
    few = [a[:2] if node.batched else a for a, node in zip(values, graph.nodes, strict=True)]
    lowered = lower(graph, Visibility(input="private", output="private"))
    committed = witness(lowered, few, 2)
    assert unsatisfied(lowered.operations, lowered.weights, committed, 2) == []
    return graph
