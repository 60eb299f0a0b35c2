"""Masks: one circuit whatever their size is, and the values of the original mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.graph.awkward import (
    CAUSAL,
    FLOAT32_MIN,
    Awkward,
    D,
    T,
    added_mask,
    attention,
    causal_added,
    causal_fill,
    padding,
    padding_where,
    tokens,
    weights,
)
from tests.needs import skip_without
from tests.onnx_parts import array, node, value
from verifai import load
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.errors import InputError, VerifaiError
from verifai.graph import build, dequantise, fidelity, quantise_inputs, run

skip_without("onnx", "onnxruntime", "onnxscript")

SIZES = (-np.inf, FLOAT32_MIN, -1e9, -65504.0, -1e4, -50.0)
#: Of an output's range.
WORST = 5e-4


def subtracted(size: float) -> Any:
    """scores - (1 - kept) * large: what hides is positive."""
    masking = [
        ("Sub", ["one", "kept"], "dropped"),
        ("Mul", ["size", "dropped"], "mask"),
        ("Sub", ["scores", "mask"], "masked"),
    ]
    return attention(masking, {"one": 1.0, "size": -size}, kept=(1, T))


def filled(size: float) -> Any:
    """masked_fill(mask == 0, size) and a causal mask on top: two masks meet on one score."""
    masking = [
        ("Equal", ["kept", "zero"], "dropped"),
        ("Where", ["dropped", "size", "zero"], "mask"),
        ("Add", ["scores", "mask"], "half"),
        ("Where", ["above", "size", "half"], "masked"),
    ]
    return attention(masking, {"zero": 0.0, "size": size, "above": CAUSAL}, kept=(1, T))


FORMS: dict[str, tuple[Callable[[float], Any], bool]] = {
    "added": (added_mask, False),
    "causal, filled": (causal_fill, False),
    "causal, added": (causal_added, False),
    "padding": (padding, True),
    "padding, chosen": (padding_where, True),
    "padding, subtracted": (subtracted, True),
    "padding and causal": (filled, True),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_size_gives_one_circuit_and_a_precise_one(form: str) -> None:
    make, padded = FORMS[form]
    found = set()
    for size in SIZES:
        if np.isinf(size) and form in ("padding", "padding, subtracted"):
            continue  # 0 times infinity is NaN
        made = make(size)()
        row = Awkward(form, lambda made=made: made, sample=tokens if padded else None)
        graph = build(made, row.samples(made, 16, seed=1))
        assert fidelity(graph, made, row.samples(made, 16, seed=2)).relative_error < WORST
        found.add(graph.to_bytes())
    assert len(found) == 1
    sample = row.samples(made, 4, seed=3)
    batch = [np.stack(columns) for columns in zip(*sample, strict=True)]
    values = run(graph, quantise_inputs(graph, batch), batch=True)
    lowered = lower(graph, Visibility())
    committed = witness(lowered, values, len(sample))
    assert unsatisfied(lowered.operations, lowered.weights, committed, len(sample)) == []


def one_head(mask: list[Any], constants: dict[str, Any], rows: int = 4) -> Any:
    """Two inputs, ``x`` and which columns are kept; ``mask`` makes ``masked`` of ``scores``."""
    nodes = [
        node("MatMul", ["x", "w"], ["scores"]),
        *mask,
        node("Softmax", ["masked"], ["p"]),
        node("IsNaN", ["p"], ["empty"]),
        node("Where", ["empty", "zero", "p"], ["kept_p"]),
        node("MatMul", ["kept_p", "v"], ["y"]),
    ]
    constants = {
        "w": weights(D, T, size=3),
        "v": weights(T, D),
        "zero": np.float32(0),
        **constants,
    }
    infos = [
        value("x", (rows, D)),
        value("kept", (rows, T)),
    ]
    from onnx import helper

    graph = helper.make_graph(
        nodes,
        "graph",
        infos,
        [value("y", (rows, D))],
        [array(v, n, np.asarray(v).dtype) for n, v in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return load(made.SerializeToString())


def hide() -> list[Any]:
    return [
        node("Cast", ["kept"], ["truth"], to=9),
        node("Where", ["truth", "scores", "hidden"], ["masked"]),
    ]


def rows(seed: int, count: int, *, empty: bool) -> list[tuple[np.ndarray, ...]]:
    """Inputs with a row that sees nothing, or without."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        kept = rng.integers(0, 2, (4, T))
        kept[:, 0] = 1
        if empty:
            kept[rng.integers(0, 4)] = 0
        found.append((rng.uniform(-1, 1, (4, D)).astype(np.float32), kept.astype(np.float32)))
    return found


@pytest.mark.parametrize("empty", [False, True])
def test_rows_that_see_nothing_give_nothing_behind_a_guard(empty: bool) -> None:
    made = one_head(hide(), {"hidden": np.float32(-np.inf)})
    graph = build(made, rows(1, 16, empty=empty))
    fresh = rows(2, 16, empty=empty)
    assert fidelity(graph, made, fresh).relative_error < WORST
    if empty:
        batch = [np.stack(columns) for columns in zip(*fresh, strict=True)]
        at = graph.outputs[0]
        found = dequantise(graph, at, run(graph, quantise_inputs(graph, batch), batch=True)[at])
        nothing = batch[1].sum(-1) == 0
        assert nothing.any()
        assert not found[nothing].any()


def test_rows_that_see_nothing_are_level_where_the_mask_absorbs_the_scores() -> None:
    mask = [
        node("Sub", ["kept", "one"], ["dropped"]),
        node("Mul", ["dropped", "large"], ["mask"]),
        node("Add", ["scores", "mask"], ["masked"]),
    ]
    made = one_head(mask, {"one": np.float32(1), "large": np.float32(-FLOAT32_MIN)})
    graph = build(made, rows(1, 16, empty=True))
    # scores differ by up to 4: 32 hides where 16 does not, and costs a bit
    assert fidelity(graph, made, rows(2, 16, empty=True)).relative_error < 2 * WORST


def test_what_is_no_mask_is_left_alone() -> None:
    """A large constant that an output shows, or that is multiplied with other than 0 and 1."""
    for nodes, size in (
        (
            [
                node("Add", ["kept", "c"], ["m"]),
                node("Add", ["scores", "m"], ["masked"]),
            ],
            np.float32(-30),
        ),
        (
            [
                node("Add", ["kept", "c"], ["m"]),
                node("Add", ["scores", "m"], ["masked"]),
            ],
            np.float32([-30, -31, -32, -33, -34]),
        ),
        (
            [
                node("Mul", ["kept", "c"], ["m"]),
                node("Add", ["scores", "m"], ["masked"]),
            ],
            np.float32(-30),
        ),
    ):
        made = one_head(nodes, {"c": size})
        rng = np.random.default_rng(0)
        data = [
            (
                rng.uniform(-1, 1, (4, D)).astype(np.float32),
                rng.uniform(0, 1, (4, T)).astype(np.float32),
            )
            for _ in range(16)
        ]
        graph = build(made, data)
        assert fidelity(graph, made, data).relative_error < 0.01


@pytest.mark.parametrize("form", ["padding", "padding, subtracted", "padding, moved"])
def test_an_input_that_a_mask_is_made_of_holds_zeros_and_ones(form: str) -> None:
    """Of others the circuit is not the model: they have no proof."""
    if form == "padding, moved":
        moved = [
            ("Sub", ["kept", "one"], "dropped"),
            ("Identity", ["dropped"], "same"),
            ("Mul", ["same", "size"], "mask"),
            ("Add", ["scores", "mask"], "masked"),
        ]
        made = attention(moved, {"one": 1.0, "size": 1e4}, kept=(1, T))()
    else:
        made = FORMS[form][0](-1e4)()
    row = Awkward(form, lambda: made, sample=tokens)
    graph = build(made, row.samples(made, 8, seed=1))
    kept = graph.nodes[graph.inputs[1]]
    assert (kept.low, kept.high, kept.scale) == (0, 1, 0)
    x, ones = (array[None] for array in row.samples(made, 1, seed=2)[0])
    quantise_inputs(graph, [x, ones])
    for wrong in (0.9999, 0.5, 2.0, -1.0):
        with pytest.raises(InputError, match="'kept' holds zeros and ones only"):
            quantise_inputs(graph, [x, np.full_like(ones, wrong)])


def test_what_only_looks_like_zeros_and_ones_is_no_mask() -> None:
    """Calibration saw nothing else of a cosine; with a small constant the circuit is right."""
    nodes = [
        node("Cos", ["kept"], ["seen"]),
        node("Mul", ["seen", "c"], ["m"]),
        node("Add", ["scores", "m"], ["masked"]),
    ]
    made = one_head(nodes, {"c": np.float32(-1e4)})
    half = np.float32(np.pi / 2)
    rng = np.random.default_rng(0)
    data = [
        (
            rng.uniform(-1, 1, (4, D)).astype(np.float32),
            np.where(rng.uniform(size=(4, T)) < 0.5, half, 0).astype(np.float32),
        )
        for _ in range(8)
    ]
    graph = build(made, data)
    assert graph.nodes[graph.inputs[1]].scale != 0
    assert any(item.high > 5000 * 2.0**item.scale for item in graph.nodes)


def test_infinity_elsewhere_is_refused() -> None:
    from onnx import helper

    nodes = [node("Max", ["scores", "c"], ["masked"])]
    made = one_head(nodes, {"c": np.float32(-np.inf)})
    build(made, rows(1, 4, empty=False))  # no score is below it
    info = value("x", (2, 2))
    out = value("y", (2, 2))
    for operator in ("Add", "Mul"):
        graph = helper.make_graph(
            [node(operator, ["x", "c"], ["y"])],
            "graph",
            [info],
            [out],
            [array([-np.inf, 0], "c")],
        )
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        made = load(proto.SerializeToString())
        with pytest.raises(VerifaiError, match=r"not finite|infinity"):
            build(made, [(np.ones((2, 2), np.float32),)])
