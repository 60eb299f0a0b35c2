"""Einsum, and operators that are linear in what the model computes, on random shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graph.single import check, grid, model, node
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
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


@few
@given(seeds, st.integers(1, 3), st.integers(2, 4), st.integers(0, 1))
def test_roi_align(seed, channels, side, old):
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.uniform(0, side, (3, 2, 2)), axis=1).reshape(3, 4).astype(np.float32)
    constants = {"rois": corners, "of": rng.integers(0, 2, 3)}
    attributes = {"output_height": 2, "output_width": 3, "sampling_ratio": 2}
    shape = (2, channels, side, side + 1)
    made = model(
        [node("RoiAlign", ["x", "rois", "of"], **attributes)],
        {"x": shape},
        constants,
        opset=10 if old else 16,
    )
    check(made, [(grid(rng, shape),) for _ in range(2)])


@few
@given(seeds, st.integers(1, 2), st.booleans(), st.booleans())
def test_deform_conv(seed, group, masked, biased):
    rng = np.random.default_rng(seed)
    shape, kernel, out = (2, 2, 4, 3), (2, 2), (3, 2)
    constants = {
        "w": grid(rng, (2, 2 // group, *kernel), 1.0),
        "offset": rng.uniform(-1, 1, (2, 8, *out)).astype(np.float32),
    }
    if biased:
        constants["b"] = grid(rng, (2,), 1.0)
    if masked:
        constants["mask"] = rng.uniform(0, 1, (2, 4, *out)).astype(np.float32)
    names = ["x", "w", "offset", "b" if biased else "", "mask" if masked else ""]
    made = model(
        [node("DeformConv", names, kernel_shape=kernel, group=group)], {"x": shape}, constants,
        opset=19,
    )  # fmt: skip
    check(made, [(grid(rng, shape),) for _ in range(2)])


@few
@given(seeds, st.integers(1, 3), st.integers(1, 3))
def test_max_unpool(seed, rows, columns):
    """Of places of which none comes twice."""
    rng = np.random.default_rng(seed)
    shape, size = (1, 2, rows, columns), 4 * rows * columns
    places = np.stack([rng.permutation(size)[: rows * columns] for _ in range(2)])
    made = model(
        [node("MaxUnpool", ["x", "i"], kernel_shape=[2, 2], strides=[2, 2])],
        {"x": shape},
        {"i": places.reshape(shape)},
    )
    check(made, [(grid(rng, shape),) for _ in range(2)])


@few
@given(seeds, st.integers(1, 3), st.booleans())
def test_tensor_scatter(seed, length, circular):
    """Rows of a cache from a constant place on, beyond its end again from its beginning."""
    rng = np.random.default_rng(seed)
    most = 4 if circular else 4 - length + 1
    places = rng.integers(0, most, 2)
    made = model(
        [node("TensorScatter", ["x", "u", "i"], mode="circular" if circular else "linear")],
        {"x": (2, 4, 3), "u": (2, length, 3)},
        {"i": places},
        opset=24,
    )
    check(made, [(grid(rng, (2, 4, 3)), grid(rng, (2, length, 3))) for _ in range(2)])


@few
@given(seeds, st.integers(3, 6), st.integers(1, 3), st.booleans())
def test_stft(seed, window, step, onesided):
    rng = np.random.default_rng(seed)
    constants = {"step": np.array(step), "window": rng.uniform(0, 1, window).astype(np.float32)}
    made = model(
        [node("STFT", ["x", "step", "window"], onesided=int(onesided))],
        {"x": (2, 9, 1)},
        constants,
    )
    check(made, [(grid(rng, (2, 9, 1)),) for _ in range(2)])


@few
@given(seeds, st.integers(1, 3))
def test_batch_normalisation_as_it_trains(seed, channels):
    """By the statistics of the batch itself, which are outputs as well."""
    rng = np.random.default_rng(seed)
    shape = (3, channels, 4)
    constants = {name: rng.uniform(0.5, 2, channels).astype(np.float32) for name in "sbmv"}
    made = model(
        [node("BatchNormalization", ["x", *"sbmv"], ["y", "mean", "variance"], training_mode=1)],
        {"x": shape},
        constants,
        outputs=("y", "mean", "variance"),
    )
    check(made, [(grid(rng, shape),) for _ in range(4)])


#: Operator, inputs, constants, attributes, operator set.
LIES = {
    "Col2Im": ({"x": (1, 4, 4)}, {"image": np.array([3, 3]), "block": np.array([2, 2])}, {}, 18),
    "RoiAlign": (
        {"x": (1, 1, 3, 3)},
        {"rois": np.float32([[0, 0, 2, 2]]), "of": np.array([0])},
        {"output_height": 2, "output_width": 2},
        16,
    ),
    "DeformConv": (
        {"x": (1, 1, 3, 3)},
        {"w": np.float32([[[[1, 2], [3, 4]]]]), "offset": np.full((1, 8, 2, 2), 0.3, np.float32)},
        {"kernel_shape": [2, 2]},
        19,
    ),
    "MaxUnpool": ({"x": (1, 1, 1, 2)}, {"i": np.array([[[[5, 2]]]])}, {"kernel_shape": [2, 2]}, 18),
    "TensorScatter": ({"x": (1, 3, 2), "u": (1, 1, 2)}, {"i": np.array([1])}, {}, 24),
    "STFT": ({"x": (1, 4, 1)}, {"step": np.array(2), "window": np.float32([1, 2])}, {}, 18),
    "BatchNormalization": (
        {"x": (2, 1, 2)},
        {name: np.float32([1.5]) for name in "sbmv"},
        {"training_mode": 1},
        18,
    ),
}


@pytest.mark.parametrize("operator", LIES)
def test_every_other_value_is_a_lie(operator):
    """Whatever a proof commits to beside the inputs follows from them: one more or less of any of
    it, alone, satisfies no circuit.
    """
    inputs, constants, attributes, opset = LIES[operator]
    outputs = ["y", "mean", "variance"] if operator == "BatchNormalization" else ["y"]
    made = model(
        [node(operator, [*inputs, *constants], outputs, **attributes)],
        inputs,
        constants,
        outputs=outputs,
        opset=opset,
    )
    rng = np.random.default_rng(0)
    samples = [tuple(grid(rng, shape) for shape in inputs.values()) for _ in range(4)]
    graph = build(made, samples)
    lowered = lower(graph, Visibility(input="private", output="private"))
    values = run(graph, quantise_inputs(graph, [x[np.newaxis] for x in samples[0]]), batch=True)
    honest = witness(lowered, values, 1)
    check_ = (lowered.operations, lowered.weights)
    assert not unsatisfied(*check_, honest, 1)
    inputs_ = {lowered.operations.inputs[place].node for place in range(len(inputs))}
    for place, at in enumerate(lowered.operations.committed):
        if at in inputs_:
            continue
        for element in range(min(honest[place].size, 4)):
            for change in (-1, 1):
                lie = [array.copy() for array in honest]
                lie[place].reshape(-1)[element] += change
                assert unsatisfied(*check_, lie, 1), (lowered.names[at], element, change)


def test_what_else_is_computed_is_refused():
    made = model(
        [node("GridSample", ["x", "grid"])], {"x": (1, 1, 3, 3), "grid": (1, 2, 2, 2)}, opset=16
    )
    sample = (np.ones((1, 1, 3, 3), np.float32), np.zeros((1, 2, 2, 2), np.float32))
    with pytest.raises(UnsupportedError, match="the grid is computed by the model"):
        build(made, [sample])
