"""What compiles is right; what fixed point cannot hold is refused by the name of the node."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import verifai
from tests.graph.awkward import MODELS, Awkward, Inputs
from tests.needs import skip_without
from verifai.errors import UnsupportedError
from verifai.graph import IntegerGraph, dequantise, quantise_inputs, run

skip_without("onnx", "onnxruntime", "onnxscript")

#: What `compile` promises: of the output's range, and of the answers.
TOLERANCE = 0.01


def given(inputs: Sequence[Inputs]) -> list:
    """As compile takes them."""
    return [one if len(one) > 1 else one[0] for one in inputs]


@pytest.mark.parametrize("row", MODELS, ids=str)
def test_it_is_right_or_refused_by_name(row: Awkward) -> None:
    model = row.model()
    calibration = given(row.samples(model, 40, seed=1))
    if not row.blamed:
        right(verifai.compile(model, calibration), model, row.samples(model, 60, seed=2))
        return
    with pytest.raises(UnsupportedError) as caught:
        verifai.compile(model, calibration)
    error = caught.value
    node = error.details["node"] if "node" in error.details else error.details["nodes"][0]["node"]
    if error.details.get("operator") == "input":
        assert node in [info.name for info in model.inputs]
        assert "input" in row.blamed
    else:
        assert node.partition("_")[0] in row.blamed  # nodes are named after their operators
    assert node in error.message
    assert error.hint


def right(circuit: verifai.Circuit, model: verifai.Model, fresh: Sequence[Inputs]) -> None:
    """The circuit is within the tolerance, by onnxruntime alone, on inputs it never saw."""
    import onnxruntime as ort

    graph = IntegerGraph.from_bytes(bytes(circuit.compiled))
    session = ort.InferenceSession(bytes(circuit.onnx))
    names = [info.name for info in model.inputs]
    real = [session.run(None, dict(zip(names, one, strict=True))) for one in fresh]
    batches = [np.stack(columns) for columns in zip(*fresh, strict=True)]
    values = run(graph, quantise_inputs(graph, batches), batch=True)
    for position, at in enumerate(graph.outputs):
        want = np.stack([one[position] for one in real]).astype(np.float64)
        got = np.broadcast_to(dequantise(graph, at, values[at]), want.shape)
        spread = want.max() - want.min()
        if spread < 1e-5 * np.abs(want).max():  # constant but for float32's rounding
            spread = np.abs(want).max()
        assert np.abs(got - want).max() <= TOLERANCE * spread
        if want.shape[-1] > 1:
            place = got.argmax(-1)[..., None]
            lost = want.max(-1) - np.take_along_axis(want, place, -1)[..., 0]
            assert (lost > 0.01 * (want.max(-1) - want.min(-1))).mean() <= TOLERANCE


def test_the_table_is_large_and_of_both_kinds() -> None:
    assert len(MODELS) >= 45
    assert 15 <= sum(bool(row.blamed) for row in MODELS) <= len(MODELS) - 15
    assert len({row.name for row in MODELS}) == len(MODELS)
