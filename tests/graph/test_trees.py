"""Ensembles of trees: the leaves that onnxruntime reaches, ties included, and no other witness."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.graph.forests import check, classifier, regressor, rows, tabular, trees
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.errors import InputError, UnsupportedError
from verifai.graph import build, dequantise, quantise_inputs, run
from verifai.graph.forest import forest
from verifai.graph.integer import Requantise
from verifai.verifier.native.table import Committed

skip_without("onnx", "onnxruntime", "torch")

MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
PRIVATE = Visibility(input="private", output="private")


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_on_ties(mode: str) -> None:
    rng = np.random.default_rng(MODES.index(mode))
    check(regressor(rng, trees(rng, 3, 3, 2, [mode]), 2), rows(rng, 40, 2))


@pytest.mark.parametrize("seed", range(3))
def test_mixed_modes_targets_and_base_values(seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, targets = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    made = trees(rng, 5, 4, width, MODES)
    base = rng.normal(size=targets).tolist()
    check(regressor(rng, made, width, targets, base_values=base), rows(rng, 30, width))


@pytest.mark.parametrize("aggregate", ["AVERAGE", "SUM", "MIN", "MAX"])
@pytest.mark.parametrize("targets", [1, 2])
def test_aggregates(aggregate: str, targets: int) -> None:
    rng = np.random.default_rng(targets)
    made = trees(rng, 4, 2, 3)
    check(regressor(rng, made, 3, targets, aggregate_function=aggregate), rows(rng, 20, 3))


POSTS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]


@pytest.mark.parametrize(
    ("post", "labels", "ids", "positive"),
    [
        *((post, [0, 1], [0], positive) for post, positive in product(POSTS, (True, False))),
        *((post, [0, 1], [1], True) for post in POSTS[:3]),
        *((post, [7, 3, 5], [0, 1, 2], False) for post in POSTS),
    ],
)
def test_classifiers(post: str, labels: list[int], ids: list[int], positive: bool) -> None:
    rng = np.random.default_rng(len(ids))
    made = classifier(
        rng, trees(rng, 4, 3, 3), 3, labels, ids, positive=positive, post_transform=post
    )
    check(made, rows(rng, 30, 3), units=8)


def test_probit() -> None:
    rng = np.random.default_rng(0)
    made = trees(rng, 1, 3, 2)
    made |= {"base_values": [0.5]}
    leaves = made["leaves"]
    weights = (rng.uniform(-0.45, 0.45, len(leaves))).tolist()
    model = tabular(
        "TreeEnsembleRegressor",
        [(1, 2)],
        n_targets=1,
        target_treeids=[tree for tree, _ in leaves],
        target_nodeids=[number for _, number in leaves],
        target_ids=[0] * len(leaves),
        target_weights=weights,
        post_transform="PROBIT",
        **{name: value for name, value in made.items() if name != "leaves"},
    )
    check(model, rows(rng, 20, 2), units=16)


def test_classes_with_names_are_numbered() -> None:
    rng = np.random.default_rng(1)
    made = classifier(rng, trees(rng, 3, 3, 3), 3, ["low", "mid", "high"], [0, 1, 2])
    assert made.outputs[0].dtype == "int64"
    check(made, rows(rng, 20, 3))


def test_the_later_operator() -> None:
    """Leaves apart, sets of values, float64 thresholds."""
    from onnx import numpy_helper

    def tensor(values: Any, kind: Any) -> Any:
        return numpy_helper.from_array(np.array(values, kind))

    made = tabular(
        "TreeEnsemble",
        [(1, 2)],
        opset=5,
        n_targets=2,
        aggregate_function=1,
        post_transform=0,
        tree_roots=[0, 2],
        nodes_featureids=[0, 1, 0],
        nodes_modes=tensor([0, 4, 6], np.uint8),
        nodes_splits=tensor([0.5, 1.25, 0], np.float32),
        nodes_truenodeids=[0, 1, 3],
        nodes_trueleafs=[1, 1, 1],
        nodes_falsenodeids=[1, 2, 4],
        nodes_falseleafs=[0, 1, 1],
        leaf_targetids=[0, 1, 0, 1, 0],
        leaf_weights=tensor([1.5, -2.25, 0.75, 3, 0.125], np.float32),
        membership_values=tensor([2, 3, np.nan], np.float32),
    )
    values = np.array([[[x, y]] for x in (-1, 0.25, 0.5, 2, 3) for y in (1, 1.25, 1.5)])
    check(made, values.astype(np.float32))


# -- precision


def test_comparisons_of_columns_of_very_different_size() -> None:
    """Midpoints of neighbouring float32 numbers, from rates to incomes, in one tensor each."""
    rng = np.random.default_rng(2)
    for size in (1e-3, 1.0, 3e5):
        values = (rng.uniform(0.1, 1, 200) * size).astype(np.float32)
        thresholds = [float(v) for v in values[:20]]
        thresholds += [(float(v) + float(np.nextafter(v, 2 * v))) / 2 for v in values[:20]]
        attributes = {
            "nodes_treeids": [i for i in range(40) for _ in range(3)],
            "nodes_nodeids": [0, 1, 2] * 40,
            "nodes_featureids": [0] * 120,
            "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"] * 40,
            "nodes_values": [t for one in thresholds for t in (one, 0.0, 0.0)],
            "nodes_truenodeids": [1, 0, 0] * 40,
            "nodes_falsenodeids": [2, 0, 0] * 40,
            "leaves": [(i, n) for i in range(40) for n in (1, 2)],
        }
        made = regressor(np.random.default_rng(0), attributes, 1)
        near = np.concatenate([values, np.nextafter(values[:20], np.float32(1e9))])
        graph = check(made, near.reshape(-1, 1, 1))
        assert graph.nodes[graph.inputs[0]].high >= 1 << 29


def test_whole_columns_need_no_more_bits_than_others() -> None:
    rng = np.random.default_rng(3)
    made = regressor(rng, trees(rng, 4, 3, 3), 3)
    graph = check(made, np.round(rows(rng, 30, 3, 9000)))
    assert graph.nodes[graph.inputs[0]].high == (1 << 15) - 1


def test_integers_beyond_float32_compare_as_float32() -> None:
    """Trees read integers as float32: what that rounds is compared as it is rounded."""
    rng = np.random.default_rng(4)
    middle = (1 << 28) + 16
    attributes = trees(rng, 1, 1, 1) | {"nodes_values": [float(middle), 0.0, 0.0]}
    made = tabular(
        "TreeEnsembleRegressor",
        [(1, 1)],
        dtype=np.int64,
        cast=True,
        n_targets=1,
        target_treeids=[0, 0],
        target_nodeids=[1, 2],
        target_ids=[0, 0],
        target_weights=[1.0, 2.0],
        **{name: value for name, value in attributes.items() if name != "leaves"},
    )
    values = np.array([middle + d for d in range(-40, 41)], dtype=np.int64).reshape(-1, 1, 1)
    check(made, values)


# -- soundness


def _small() -> tuple[Any, Any, list[np.ndarray]]:
    """A tree with three leaves on two columns of two bits, its circuit and a witness."""
    attributes = {
        "nodes_treeids": [0] * 5,
        "nodes_nodeids": [0, 1, 2, 3, 4],
        "nodes_featureids": [0, 1, 0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "BRANCH_LT", "LEAF", "LEAF", "LEAF"],
        "nodes_values": [0.0, 1.0, 0, 0, 0],
        "nodes_truenodeids": [1, 3, 0, 0, 0],
        "nodes_falsenodeids": [2, 4, 0, 0, 0],
        "leaves": [(0, 2), (0, 3), (0, 4)],
    }
    made = tabular(
        "TreeEnsembleRegressor",
        [(1, 2)],
        dtype=np.int8,
        cast=True,
        n_targets=1,
        target_treeids=[0] * 3,
        target_nodeids=[2, 3, 4],
        target_ids=[0] * 3,
        target_weights=[1.0, 2.0, 3.0],
        **{name: value for name, value in attributes.items() if name != "leaves"},
    )
    grid = [np.array([[a, b]], np.int8) for a in range(-2, 3) for b in range(-2, 3)]
    graph = build(made, [(row,) for row in grid])
    return graph, lower(graph, PRIVATE), grid


def test_exactly_one_witness() -> None:
    """Whatever bits are claimed for comparisons and products, one choice satisfies the circuit."""
    graph, lowered, grid = _small()
    committed = [node for node in lowered.operations.nodes if isinstance(node.operation, Committed)]
    bits = [
        at
        for at, node in enumerate(committed)
        if sum(node.operation.limbs) == 1 and node.operation.limbs
    ]
    places = [(at, i) for at in bits for i in range(int(np.prod(committed[at].shape)))]
    assert len(places) == 3  # two comparisons, one product
    for row in grid:
        values = run(graph, quantise_inputs(graph, [row[None]]), batch=True)
        honest = witness(lowered, values, 1)
        assert unsatisfied(lowered.operations, lowered.weights, honest, 1) == []
        for choice in product((0, 1), repeat=3):
            other = [array.copy() for array in honest]
            for (at, place), bit in zip(places, choice, strict=True):
                other[at].reshape(-1)[place] = committed[at].operation.offset + bit
            changed = any(not np.array_equal(a, b) for a, b in zip(other, honest, strict=True))
            fails = unsatisfied(lowered.operations, lowered.weights, other, 1)
            assert bool(fails) == changed


def test_a_wrong_remainder_does_not_save_a_wrong_bit() -> None:
    """The bit flipped, and the remainder moved so that their equation holds."""
    graph, lowered, grid = _small()
    index = next(
        i for i, n in enumerate(graph.nodes) if isinstance(n.operation, Requantise) and n.low == -1
    )
    shift = graph.nodes[index].operation.shift
    committed = [n for n in lowered.operations.nodes if isinstance(n.operation, Committed)]
    at = next(i for i, n in enumerate(committed) if n.operation.offset == -1)
    rest = at + 1
    assert sum(committed[rest].operation.limbs) == shift
    for row in grid:
        values = run(graph, quantise_inputs(graph, [row[None]]), batch=True)
        honest = witness(lowered, values, 1)
        for place in range(honest[at].size):
            other = [array.copy() for array in honest]
            old = int(other[at].reshape(-1)[place])
            other[at].reshape(-1)[place] = -1 - old
            other[rest].reshape(-1)[place] += (1 << shift) * (old - (-1 - old))
            kinds = {v.kind for v in unsatisfied(lowered.operations, lowered.weights, other, 1)}
            assert "range" in kinds


def test_no_other_leaf_is_proved() -> None:
    """An output that another leaf would give."""
    graph, lowered, grid = _small()
    values = run(graph, quantise_inputs(graph, [grid[0][None]]), batch=True)
    honest = witness(lowered, values, 1)
    output = graph.outputs[0]
    scale = graph.nodes[output].scale
    assert float(dequantise(graph, output, values[output]).reshape(())) == 2.0
    last = len(honest) - 1
    for at in range(len(honest)):
        if np.array_equal(honest[at].reshape(-1), values[output].reshape(-1)):
            last = at
    for leaf in (1.0, 3.0):
        other = [array.copy() for array in honest]
        other[last] = np.full_like(other[last], int(leaf * 2**scale))
        assert unsatisfied(lowered.operations, lowered.weights, other, 1)


# -- what is refused


def test_nan_and_infinity_are_no_inputs() -> None:
    rng = np.random.default_rng(5)
    made = regressor(rng, trees(rng, 2, 2, 2), 2)
    graph = build(made, [(row,) for row in rows(rng, 10, 2)])
    for bad in (np.nan, np.inf):
        with pytest.raises(InputError, match="NaN or infinity"):
            quantise_inputs(graph, [np.full((1, 1, 2), bad, np.float32)])


def _node(**changed: Any) -> Any:
    rng = np.random.default_rng(6)
    made = regressor(rng, trees(rng, 1, 2, 2), 2)
    (node,) = made.nodes()
    attributes = dict(node.attributes) | changed
    return type(node)(node.name, node.domain, node.op_type, node.inputs, node.outputs, attributes)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"nodes_truenodeids": [0] * 7}, "two nodes lead to"),
        ({"nodes_truenodeids": [99] * 7}, "do not make trees"),
        ({"nodes_modes": [b"BRANCH_SOMETIMES"] * 7}, "mode 'BRANCH_SOMETIMES'"),
        ({"nodes_values": [float("nan")] * 7}, "compares with NaN"),
        ({"target_ids": [5] * 4}, "target that does not exist"),
        ({"target_weights": [float("inf")] * 4}, "weight that is NaN"),
    ],
)
def test_what_is_no_tree(changed: dict[str, Any], reason: str) -> None:
    node = _node()
    counts = {name: len(node.attributes[name]) for name in changed}
    cut = {name: values[: counts[name]] for name, values in changed.items()}
    cut = {n: (v + v[-1:] * (counts[n] - len(v))) for n, v in cut.items()}
    with pytest.raises(UnsupportedError, match=reason):
        forest(_node(**cut))


def test_a_column_that_does_not_exist() -> None:
    rng = np.random.default_rng(7)
    made = trees(rng, 2, 2, 2)
    made["nodes_featureids"] = [9 for _ in made["nodes_featureids"]]
    with pytest.raises(UnsupportedError):
        build(regressor(rng, made, 2), [(row,) for row in rows(rng, 5, 2)])
