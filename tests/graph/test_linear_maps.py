"""Einsum, and operators that are linear in what the model computes, on random shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graph.single import check, grid, model, node
from tests.graph.test_whole_inputs import violations
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.lowered import NodeValues
from verifai.circuit.visibility import Visibility
from verifai.errors import UnsupportedError
from verifai.graph import build, quantise_inputs, run

skip_without("onnxruntime", "torch")


few = settings(max_examples=6, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
LENGTHS = {"a": 2, "b": 3, "c": 4, "i": 3, "j": 2, "k": 5}


@pytest.mark.parametrize(
    "equation",
    [
        "ij,jk->ik",
        "ij,kj",
        "...ij,...jk->...ik",
        "ii->i",
        "iij->j",
        "bij->b",
        "bi,bj,ck->bijc",
        "ij,k->j",
        "i,i->",
        "aij,b->ba",
    ],
)
def test_einsum(equation):
    rng = np.random.default_rng(len(equation))
    terms = equation.split("->")[0].split(",")
    shapes = [[LENGTHS[s] for s in term.replace("...", "ab")] for term in terms]
    names = [f"x{place}" for place in range(len(terms))]
    made = model([node("Einsum", names, equation=equation)], dict(zip(names, shapes, strict=True)))
    check(made, [tuple(grid(rng, shape) for shape in shapes) for _ in range(2)])


@few
@given(seeds, st.integers(2, 6), st.booleans(), st.booleans(), st.booleans())
def test_dft(seed, length, inverse, onesided, new):
    rng = np.random.default_rng(seed)
    real = onesided or bool(seed % 2)
    onesided = onesided and not inverse
    shape = (2, length, 3, 1 if real and not inverse else 2)
    attributes = {"inverse": int(inverse), "onesided": int(onesided)}
    if new:
        made = model(
            [node("DFT", ["x", "", "axis"], **attributes)],
            {"x": shape},
            {"axis": np.array(1)},
            opset=20,
        )
    else:
        made = model([node("DFT", axis=1, **attributes)], {"x": shape})
    check(made, [(grid(rng, shape),) for _ in range(2)])


@few
@given(seeds, st.sampled_from(["nearest", "bilinear", "bicubic"]), st.booleans())
def test_grid_sample(seed, mode, border):
    rng = np.random.default_rng(seed)
    constants = {"grid": rng.uniform(-1.2, 1.2, (2, 3, 4, 2)).astype(np.float32)}
    padding = "border" if border else "zeros"
    made = model(
        [node("GridSample", ["x", "grid"], mode=mode, padding_mode=padding)],
        {"x": (2, 3, 5, 4)},
        constants,
        opset=16,
    )
    check(made, [(grid(rng, (2, 3, 5, 4)),) for _ in range(2)])


def test_col2im_and_affine_grid():
    rng = np.random.default_rng(4)
    constants = {"image": np.array([4, 5]), "block": np.array([2, 3])}
    made = model([node("Col2Im", ["x", "image", "block"])], {"x": (2, 12, 9)}, constants)
    check(made, [(grid(rng, (2, 12, 9)),) for _ in range(2)])
    made = model(
        [node("AffineGrid", ["x", "size"])],
        {"x": (2, 2, 3)},
        {"size": np.array([2, 1, 3, 4])},
        opset=20,
    )
    graph = build(made, [(grid(rng, (2, 2, 3)),)])
    theta = grid(rng, (2, 2, 3))
    values = run(graph, quantise_inputs(graph, [theta[np.newaxis]]), batch=True)
    made_grid = values[graph.outputs[0]].reshape(2, 3, 4, 2)
    unit = 2.0 ** -graph.nodes[graph.outputs[0]].scale
    x, y = (2 * np.arange(4) + 1) / 4 - 1, (2 * np.arange(3) + 1) / 3 - 1
    points = np.stack([*np.broadcast_arrays(x[None, :], y[:, None]), np.ones((3, 4))], axis=-1)
    expected = np.einsum("hwk,nck->nhwc", points, theta)
    np.testing.assert_allclose(made_grid * unit, expected, atol=2e-3)


@few
@given(seeds, st.sampled_from(["none", "add", "mul", "max", "min"]), st.booleans())
def test_scatter(seed, reduction, elements):
    rng = np.random.default_rng(seed)
    data, updates = (4, 3), (5, 3)
    indices = rng.integers(-4, 4, (5, 3) if elements else (5, 1))
    if reduction == "none":  # onnxruntime leaves open which of several updates counts
        indices = rng.permuted(np.tile(np.arange(4), (3, 1)), axis=1).T if elements else None
        if indices is None:
            indices = rng.permutation(4)[:, np.newaxis]
        updates = (4, 3)
    operator = "ScatterElements" if elements else "ScatterND"
    extra = {"axis": 0} if elements else {}
    made = model(
        [node(operator, ["x", "i", "u"], reduction=reduction, **extra)],
        {"x": data, "u": updates},
        {"i": indices},
    )
    check(made, [(grid(rng, data), grid(rng, updates)) for _ in range(2)])


def test_several_exponents():
    rng = np.random.default_rng(2)
    exponents = np.float32([2, 1, 0, 0.5])
    made = model([node("Pow", ["x", "e"])], {"x": (3, 4)}, {"e": exponents})
    check(made, [(np.abs(grid(rng, (3, 4))) + 0.25,) for _ in range(2)])


def test_a_larger_sum_is_a_lie():
    made = model(
        [node("Col2Im", ["x", "image", "block"])],
        {"x": (1, 4, 4)},
        {"image": np.array([3, 3]), "block": np.array([2, 2])},
    )
    sample = (grid(np.random.default_rng(0), (1, 4, 4)),)
    graph = build(made, [sample])
    lowered = lower(graph, Visibility(input="private", output="private"))
    values = run(graph, quantise_inputs(graph, [x[np.newaxis] for x in sample]), batch=True)
    assert not violations(lowered, values)
    lie = list(values)
    (committed,) = {step.node for step in lowered.program if isinstance(step, NodeValues)} - {
        *graph.inputs
    }
    lie[committed] = values[committed] + 1
    assert violations(lowered, lie)


def test_what_else_is_computed_is_refused():
    made = model(
        [node("GridSample", ["x", "grid"])], {"x": (1, 1, 3, 3), "grid": (1, 2, 2, 2)}, opset=16
    )
    sample = (np.ones((1, 1, 3, 3), np.float32), np.zeros((1, 2, 2, 2), np.float32))
    with pytest.raises(UnsupportedError, match="the grid is computed by the model"):
        build(made, [sample])
