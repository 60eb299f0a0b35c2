"""How far a circuit is from its model: what is measured, held out, tolerated and shown."""

from __future__ import annotations

import math

import numpy as np
import pytest

import verifai
from tests.graph.awkward import in_a_row, weights
from tests.needs import skip_without
from verifai.backends.native.faithful import split
from verifai.errors import UnsupportedError, UsageError
from verifai.graph import build, fidelity
from verifai.graph.fidelity import (
    DEFAULT_TOLERANCE,
    OutputFidelity,
    declared,
    same_axes,
    tolerance_of,
)

skip_without("onnx", "onnxruntime", "onnxscript")

LINEAR = in_a_row(("MatMul", weights(6, 3)))
#: Off by a fifth of the range at every input.
CANCELLING = in_a_row(("Sub", np.float32(100)), ("Mul", np.float32(1000)))


def inputs(count: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, high, (count, 1, 6)).astype(np.float32)


def measure(made, real, dtype=np.float32) -> OutputFidelity:
    return OutputFidelity.of("y", np.asarray(made, np.float64), np.asarray(real, dtype))


def declared_as(shape: list[int], made: str = "Relu") -> verifai.Model:
    """An output of shape [1, 1] that the file declares with another one, which load mends."""
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(made, ["x"], ["y"])],
        "g",
        [value("x", TensorProto.FLOAT, [1, 1])],
        [value("y", TensorProto.FLOAT, shape)],
    )
    opsets = [helper.make_opsetid("", 18)]
    proto: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return verifai.load(proto.SerializeToString())


@pytest.mark.parametrize("shape", [[1], [2], [7, 7]])
def test_an_output_has_its_real_shape_whatever_it_is_declared_as(shape: list[int]) -> None:
    data = [(np.float32([[v]]),) for v in np.linspace(-1, 1, 9)]
    model = declared_as(shape)
    assert model.outputs[0].shape == (1, 1)
    measured = fidelity(build(model, data), model, data)
    assert measured.relative_error < 1e-4


def test_an_output_that_is_constant_but_for_rounding_has_the_error_of_a_constant() -> None:
    model = in_a_row(("Mul", np.float32(5e-5)), ("Add", np.float32(1000.03)))()
    data = [(one,) for one in inputs(8)]
    assert 0 < np.ptp([model.run(one)[0] for one in data]) < 1e-3  # and steps are 0.06
    assert fidelity(build(model, data), model, data).relative_error < 1e-4


def test_each_output_is_measured_by_its_own_range() -> None:
    wide = measure([[0.0], [1000.5]], [[0.0], [1000.0]])
    narrow = measure([[0.0], [1.5]], [[0.0], [1.0]])
    assert wide.relative_error == 0.5 / 1000
    assert narrow.relative_error == 0.5
    assert wide.problem(0.01) is None
    assert "50 % of its range" in str(narrow.problem(0.01))


@pytest.mark.parametrize(
    ("made", "real", "error"),
    [
        ([[5.0], [5.0]], [[5.0], [5.0]], 0),  # constant, and right
        ([[5.05], [5.0]], [[5.0], [5.0]], 0.01),  # constant, and off by a share of its size
        ([[0.0], [0.0]], [[0.0], [0.0]], 0),  # nothing but zeros
        ([[0.1], [0.0]], [[0.0], [0.0]], 1.0),
        ([[1.0], [0.0]], [[0.0], [1.0]], 1.0),
    ],
)
def test_relative_errors(made, real, error) -> None:
    assert measure(made, real).relative_error == pytest.approx(error, rel=1e-6)


def test_integers_and_truth_values_count_entries_that_differ() -> None:
    real = np.array([[True, False], [True, True]])
    measured = measure([[1, 0], [1, 0]], real, bool)
    assert (measured.relative_error, measured.top1) == (0.25, None)
    assert measure([[3.0, 7.0]], [[3, 7]], np.int64).relative_error == 0


def test_an_outlier_does_not_hide_answers_that_are_lost() -> None:
    # one sample is ten thousand times larger: the error of all others is 0.01 % of the range
    real = np.array([[1e4, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    made = np.array([[1e4, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    measured = measure(made, real)
    assert measured.relative_error == 1e-4
    assert measured.top1 == 0.5
    assert measured.example(0.01) == 1
    assert "largest entry" in str(measured.problem(0.01))


@pytest.mark.parametrize(
    ("real", "made", "agreed"),
    [
        ([[0.500, 0.501, 0.0]], [[0.501, 0.500, 0.0]], True),  # a tie
        ([[0.5, 0.6, 0.0]], [[0.6, 0.5, 0.0]], False),
        ([[-9e3, 1.0, 1.5]], [[-9e3, 1.5, 1.0]], False),  # a mask does not make it one
        ([[[90.0, 0.0], [0.01, 0.02]]], [[[90.0, 0.0], [0.02, 0.01]]], True),  # a weak channel
    ],
)
def test_answers_that_are_not_lost(real, made, agreed) -> None:
    assert measure(made, real).top1 == (1.0 if agreed else pytest.approx(0.0))


def test_every_fifth_of_twenty_inputs_is_held_out() -> None:
    few = [(np.float32([i]),) for i in range(19)]
    assert split(few) == (few, [])
    many = [(np.float32([i]),) for i in range(22)]
    seen, held_out = split(many)
    assert [int(one[0][0]) for one in held_out] == [4, 9, 14, 19]
    assert len(seen) + len(held_out) == 22


def test_what_was_held_out_can_be_proved_all_the_same() -> None:
    """A held-out input beyond the range of the others takes part in calibration after all."""
    data = inputs(25)
    data[4] *= 8
    circuit = verifai.compile(LINEAR(), data)
    assert circuit.facts["measured_on"] == "25 inputs, all of which calibration saw"
    assert circuit.inputs[0].scale == verifai.compile(LINEAR(), data[:5]).inputs[0].scale
    assert verifai.compile(LINEAR(), inputs(25)).facts["measured_on"] == "25 inputs, 5 held out"


def test_an_error_on_a_held_out_input_alone_is_refused() -> None:
    """exp(9 x) is held in steps of a half: calibration sees large x only, which do not mind."""
    one = np.float32(1)
    model = in_a_row(("Mul", np.float32(9)), ("Exp",), ("Add", one), ("Log",))()
    data = inputs(25, 0.9, 1.0)
    assert verifai.compile(model, data).facts["measured_on"] == "25 inputs, 5 held out"
    data[4] = 0.0245
    with pytest.raises(UnsupportedError, match=r"on 5 inputs.*'Exp_1'"):
        verifai.compile(model, data)


def test_the_tolerance_is_an_option() -> None:
    data = inputs(8, 99.99, 100.01)
    with pytest.raises(UnsupportedError) as caught:
        verifai.compile(CANCELLING(), data)
    error = caught.value
    assert error.details["tolerance"] == DEFAULT_TOLERANCE
    assert error.details["operator"] == "input"
    needed = float(str(error.hint).rpartition("--tolerance ")[2].rstrip("."))
    circuit = verifai.compile(CANCELLING(), data, options=verifai.NativeOptions(tolerance=needed))
    assert float(circuit.facts["relative_error"]) > DEFAULT_TOLERANCE
    with pytest.raises(UnsupportedError):
        verifai.compile(CANCELLING(), data, options=verifai.NativeOptions(tolerance=needed / 2))


@pytest.mark.parametrize(
    "value",
    [
        -0.1,
        1.01,
        math.nan,
        math.inf,
        True,
        "0.1",
        None,
        10**400,
        -(10**400),
        10**5000,
        {"a": 1},
        b"1",
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_tolerance(value) -> None:
    with pytest.raises(UsageError, match="tolerance is a number") as caught:
        verifai.NativeOptions(tolerance=value)
    assert len(caught.value.message) < 250
    assert "b'" not in caught.value.message
    assert "{'" not in caught.value.message


@pytest.mark.parametrize("name", ["activation_bits", "saturate", "input_scales"])
def test_an_option_of_5000_digits_is_refused_in_words(name: str) -> None:
    with pytest.raises(UsageError, match="a value of type int"):
        verifai.NativeOptions(**{name: 10**5000})


def test_a_tolerance_of_nothing_has_no_sign() -> None:
    assert str(tolerance_of(-0.0)) == "0.0"


@pytest.mark.parametrize("kind", [verifai.NativeOptions, verifai.EzklOptions])
def test_an_option_that_does_not_exist_cannot_be_written(kind: type) -> None:
    with pytest.raises(TypeError, match="tolerence"):
        kind(tolerence=0.1)
    with pytest.raises(TypeError, match="positional"):
        kind(0.1)


def test_a_circuit_shows_its_error_also_when_it_comes_from_a_file(tmp_path) -> None:
    circuit = verifai.compile(LINEAR(), inputs(25))
    again = verifai.Circuit.load(circuit.save(tmp_path / "circuit.vfc"))
    for one in (circuit, again):
        assert f"relative_error={circuit.facts['relative_error']}" in repr(one)
        assert "tolerance=0.01" in repr(one)


def test_an_output_that_lost_its_axes_is_refused_by_its_declaration() -> None:
    with pytest.raises(UnsupportedError, match=r"'y' is declared with shape \[3, 2\]"):
        declared("y", [3, 2], np.zeros((2, 3)))
    assert declared("y", [1, 2, 3], np.zeros((2, 3))).shape == (1, 2, 3)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([1], [1, 1], True),
        ([], [1, 1], True),
        ([2, 3], [2, 3], True),
        ([3], [1, 3], True),
        ([2, 3], [2, 1, 3], True),
        ([1, 3], [3, 1], False),
        ([1, 3], [3, 1, 1], False),
        ([2, 3], [3, 2], False),
        ([2, 3], [6], False),
        ([2, 1, 3], [3, 1, 1, 2], False),
        ([2], [2, 3], False),
    ],
)
def test_shapes_that_name_the_same_entries(one: list[int], other: list[int], same: bool) -> None:
    assert same_axes(one, other) == same_axes(other, one) == same
