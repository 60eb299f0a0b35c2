"""What has no circuit is named, all of it at once, and nothing else is blamed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.graph.single import check, model, node
from tests.needs import skip_without
from verifai.errors import UnsupportedError
from verifai.graph import build
from verifai.model import Model, load

skip_without("onnx", "onnxruntime", "torch")

X = np.array([[0.5, -1.0], [2.0, 0.25]], np.float32)


def written(
    nodes: list[Any],
    outputs: dict[str, list[int]],
    inputs: dict[str, int] | None = None,
    constants: dict[str, Any] | None = None,
    opset: int = 18,
) -> Model:
    """A model whose inputs all have the shape of X; types of inputs and shapes of outputs given."""
    import onnx
    from onnx import TensorProto, helper

    kinds = inputs or {"x": TensorProto.FLOAT}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, X.shape) for name, kind in kinds.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        [onnx.numpy_helper.from_array(np.asarray(v), n) for n, v in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    return load(helper.make_model(graph, opset_imports=opsets).SerializeToString())


def test_all_that_has_no_circuit_is_named_at_once() -> None:
    """Inputs, operators whatever they depend on, and outputs."""
    from onnx import TensorProto

    made = written(
        [
            node("Cast", ["n"], ["f"], to=1),
            node("Add", ["x", "f"], ["a"], name="fine"),
            node("Det", ["a"], ["d"], name="after_an_input"),
            node("Add", ["d", "x"], ["b"], name="after_a_node"),
            node("NonZero", ["x"], ["z"], name="of_its_own"),
            node("Cast", ["z"], ["zf"], to=1),
            node("ReduceSum", ["zf"], ["zs"], keepdims=0),
            node("Pow", ["x", "x"], ["p"], name="by_its_attributes"),
            node("Add", ["b", "zs"], ["c"]),
            node("Add", ["c", "p"], ["y"]),
            node("Mul", ["x", "large"], ["big"]),
            node("Identity", ["large"], ["known"]),
        ],
        {"y": [2, 2], "big": [2, 2], "known": []},
        {"x": TensorProto.FLOAT, "n": TensorProto.INT64, "i": TensorProto.INT32},
        {"large": np.float32(1e6)},
    )
    with pytest.raises(UnsupportedError) as caught:
        build(made, [(X, X.astype(np.int64) + 2**32, X.astype(np.int32))])
    named = {item["node"]: item["operator"] for item in caught.value.details["nodes"]}
    assert named == {
        "n": "input",
        "after_an_input": "Det",
        "of_its_own": "NonZero",
        "by_its_attributes": "Pow",
        "known": "output",
    }
    assert "5 part(s) of the model have no circuit" in caught.value.message
    assert all(name in caught.value.message for name in named)
    assert "ezkl" not in str(caught.value)


def test_operators_are_named_though_onnxruntime_cannot_run_the_model() -> None:
    nodes = [
        node("Det", ["x"], ["d"], name="first"),
        node("Det", ["d"], ["v"], name="second"),  # of no matrix: fails when it runs
        node("Add", ["x", "v"], ["y"]),
    ]
    with pytest.raises(UnsupportedError, match=r"onnxruntime cannot run.*first.*second"):
        build(written(nodes, {"y": [2, 2]}), [(X,)])


@pytest.mark.parametrize(
    ("nodes", "shape", "reason"),
    [
        (
            lambda: [
                node("ReduceMax", ["x"], ["s"], keepdims=0),
                node("ReduceProd", ["s"], name="one"),
            ],
            [],
            r"one \(ReduceProd\): attributes or shapes",
        ),
        (
            lambda: [
                node("ReduceMax", ["x"], ["s"], keepdims=0),
                node("Softmax", ["s"], name="of_one"),
            ],
            [],
            r"of_one \(Softmax\): attributes or shapes",
        ),
        (
            lambda: [
                node("Mul", ["x", "tiny"], ["a"]),
                node("Mul", ["x", "large"], ["b"]),
                node("Mul", ["x", "huge"], ["c"]),
                node("Sum", ["a", "b", "c"], ["s"], name="far"),
                node("Div", ["s", "huge"]),
            ],
            [2, 2],
            r"far \(Sum\): a sum of tensors of very different size",
        ),
    ],
)
def test_surprises_are_refusals_too(
    nodes: Callable[[], list[Any]], shape: list[int], reason: str
) -> None:
    """Where a rule did not expect a scalar, or sums are of what fixed point cannot add."""
    sizes = {
        "tiny": np.float32(1e-12),
        "large": np.float32(1e8),
        "huge": np.float32(1e15),
    }
    with pytest.raises(UnsupportedError, match=reason):
        build(written(nodes(), {"y": shape}, constants=sizes), [(X,)])


@pytest.mark.parametrize("opset", [11, 12])
def test_what_simplification_made_is_not_the_models_fault(opset: int) -> None:
    """Its rules write an Unsqueeze of operator set 13."""
    nodes = [
        node("SequenceConstruct", ["x", "x"], ["s"], name="make"),
        node("ConcatFromSequence", ["s"], ["c"], axis=0, new_axis=1, name="stack"),
        node("ReduceMax", ["c"], ["y"], axes=[0], keepdims=0),
    ]
    check(written(nodes, {"y": [2, 2]}, opset=opset), [(X,)])


def test_a_sequence_of_tensors_of_unequal_shapes() -> None:
    """A constant place in it is a tensor; a computed one is refused by name."""

    nodes = [
        node("Concat", ["x", "x"], ["double"], axis=0),
        node("SequenceEmpty", [], ["empty"], name="empty"),
        node("SequenceInsert", ["empty", "x"], ["one"], name="insert"),
        node("SequenceInsert", ["one", "double"], ["two"], name="second"),
        node("SequenceAt", ["two", "place"], ["z"], name="at"),
        node("Neg", ["z"], ["y"]),
    ]
    check(written(nodes, {"y": [2, 2]}, constants={"place": np.array(0)}), [(X,)])
    computed = [
        node("ReduceMax", ["x"], ["most"], keepdims=0),
        node("Sub", ["most", "most"], ["none"]),
        node("Cast", ["none"], ["place"], to=7),
    ]
    with pytest.raises(UnsupportedError, match=r"at \(SequenceAt\): its position is computed"):
        build(written([*computed, *nodes], {"y": [2, 2]}), [(X,)])


@pytest.mark.parametrize("opset", [10, 13, 18, 21])
def test_constants_that_only_onnxruntime_folds(opset: int) -> None:
    """The reference implementation lacks DequantizeLinear before operator set 19."""
    made = model(
        [node("DequantizeLinear", ["q", "s", "z"], ["w"]), node("Add", ["x", "w"])],
        {"x": (3,)},
        {"q": np.array([-3, 0, 7], np.int8), "s": np.float32(0.25), "z": np.int8(1)},
        opset=opset,
    )
    check(made, [(np.array([0.5, -1, 2], np.float32),)])


@pytest.mark.parametrize(("shape", "axis"), [((2, 2), 1), ((1, 1), 0), ((2, 3), 0)])
def test_elements_gathered_from_a_constant(shape: tuple[int, int], axis: int) -> None:
    """Of a part of the other axes, which the reference implementation refuses."""
    constants = {"c": np.arange(12, dtype=np.float32).reshape(3, 4), "i": np.full(shape, 1)}
    nodes = [node("GatherElements", ["c", "i"], ["g"], axis=axis), node("Add", ["x", "g"])]
    check(model(nodes, {"x": shape}, constants), [(np.full(shape, 0.5, np.float32),)])


def test_a_product_that_underflows_is_a_zero() -> None:
    """What float32 rounds to zero has no calibrated range, and no scale to be brought to."""
    for size in (1e-9, 1e-20, 1e-30):
        sample = (np.array([1, 2, -1], np.float32) * np.float32(size),)
        check(model([node("Mul", ["x", "x"])], {"x": (3,)}), [sample])
        square = [node("Mul", ["x", "x"], ["s"]), node("Mul", ["s", "s"], ["f"])]
        check(model([*square, node("Mul", ["f", "f"])], {"x": (3,)}), [sample])


def test_trees_that_read_several_rows_at_once_are_refused():
    import onnx
    from onnx import helper

    trees = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[1, 0, 0],
        nodes_values=[0.5, 0.0, 0.0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0, 0],
        target_nodeids=[1, 2],
        target_ids=[0, 0],
        target_weights=[1.0, 2.0],
        n_targets=1,
    )
    graph = helper.make_graph(
        [trees],
        "graph",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [5, 3])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [5, 1])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    sample = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)
    with pytest.raises(UnsupportedError, match="read 5 rows at once"):
        build(load(made.SerializeToString()), [(sample,)])
