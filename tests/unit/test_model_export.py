"""torch -> ONNX: compared with torch, reproducible, and refused with a reason."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import verifai
from tests.needs import skip_without
from verifai.errors import InputError, UnsupportedError, UsageError
from verifai.model.inputs import TensorInfo, calibration_samples

skip_without("torch")


@pytest.fixture
def torch() -> Any:
    """The package."""
    import torch

    return torch


@pytest.fixture
def modules() -> Any:
    from tests.unit import modules

    return modules


@functools.cache
def exported() -> verifai.Model:
    import torch

    from tests.unit.modules import small

    return verifai.export(small(), torch.rand(1, 1, 5, 5))


def test_export_agrees_with_torch_and_keeps_the_mode(torch: Any, modules: Any) -> None:
    module = modules.small().train()
    x = torch.rand(1, 1, 5, 5)
    model = verifai.export(module, x)
    assert module.training
    assert all(part.training for part in module.modules())
    assert [info.shape for info in model.inputs] == [(1, 1, 5, 5)]
    with torch.no_grad():
        assert np.allclose(model.run(x)[0], module(x).numpy(), atol=1e-6)


def test_export_prints_nothing(torch: Any, modules: Any, capfd: pytest.CaptureFixture[str]) -> None:
    verifai.export(modules.small(), torch.rand(1, 1, 5, 5))
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_the_digest_is_the_same_in_every_process(torch: Any) -> None:
    script = (
        "import torch, verifai; torch.manual_seed(0);"
        "m = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU());"
        "print(verifai.export(m, torch.rand(1, 4)).digest)"
    )
    command = [sys.executable, "-c", script]
    elsewhere = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
    assert verifai.export(module, torch.rand(1, 4)).digest == elsewhere.strip()


@pytest.mark.parametrize(("kind", "rows"), [("int64", 3), ("int32", 1), ("float32", 3)])
def test_columns_of_categories_stay_within_their_tables(
    torch: Any, modules: Any, kind: str, rows: int
) -> None:
    """Integers, or floats that the module takes for integers, of one row or several."""
    examples = torch.tensor([[0, 999], [2, 5], [1, 700]], dtype=getattr(torch, kind))[:rows]
    model = verifai.export(modules.Categories(), (examples, torch.rand(rows, 4)))
    assert [info.shape for info in model.inputs] == [(rows, 2), (rows, 4)]


def test_other_integers_are_drawn_from_the_whole_range(torch: Any, modules: Any) -> None:
    """Tokens of one row: by column they would never change."""
    module = modules.Recording()
    verifai.export(module, torch.tensor([[0, 49, 7]]))
    assert len({tuple(x.flatten().tolist()) for x in module.seen}) > 3


def test_the_innermost_cause_of_a_failed_export_is_shown(torch: Any, modules: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"KeyError: 'the cause of it all'"):
        verifai.export(modules.Deep(), torch.rand(2))
    with pytest.raises(UnsupportedError, match=r"No ONNX function found for.*_linalg_eigh"):
        verifai.export(modules.Eigenvalues(), torch.eye(3))


def test_an_input_that_the_module_ignores_stays_and_is_named(torch: Any, modules: Any) -> None:
    model = verifai.export(modules.Unused(), (torch.rand(2), torch.rand(3)))
    assert [info.shape for info in model.inputs] == [(2,), (3,)]
    assert model.notes == ("no result depends on y",)


def test_outputs_of_a_dict_have_its_names(torch: Any, modules: Any) -> None:
    module, x = modules.Dict(), torch.rand(2)
    model = verifai.export(module, x)
    wanted = module(x)
    assert [info.name for info in model.outputs] == list(wanted)
    for made, tensor in zip(model.run(x), wanted.values(), strict=True):
        np.testing.assert_allclose(made, tensor.numpy(), rtol=1e-6)


#: Given torch and the modules of these tests: a module and its inputs, and how they are refused.
REFUSED: list[tuple[Callable[[Any, Any], tuple[Any, Any]], type[Exception], str]] = [
    (lambda t, m: (m.Branch(), t.rand(2)), UnsupportedError, "cannot export Branch"),
    (lambda t, m: (m.Infinite(), t.rand(2)), InputError, "not finite"),
    (lambda t, m: (m.Random(), t.rand(2)), UnsupportedError, "differs between ONNX and torch"),
    (lambda t, _: (t.nn.Linear(3, 2), t.rand(1, 4)), UsageError, "does not run"),
    (lambda t, _: (lambda x: x, t.rand(2)), UsageError, "torch.nn.Module"),
    (lambda t, _: (t.nn.Linear(3, 2), [[1.0, 2.0, 3.0]]), UsageError, "tuple of tensors"),
    (lambda t, _: (t.nn.Linear(2, 2), t.tensor([[np.nan, 1.0]])), InputError, "not finite"),
    (
        lambda t, _: (t.nn.Linear(2, 2).bfloat16(), t.rand(1, 2).bfloat16()),
        UnsupportedError,
        "numpy does not",
    ),
    (
        lambda t, _: (t.nn.Linear(2, 2), t.rand(1, 2).to_sparse()),
        UnsupportedError,
        "numpy does not",
    ),
    (lambda t, _: (t.nn.Linear(2, 2), t.empty(1, 2, device="meta")), UnsupportedError, "numpy"),
]


@pytest.mark.parametrize(("given", "error", "words"), REFUSED, ids=[row[2] for row in REFUSED])
def test_what_cannot_be_exported_is_refused_with_the_reason(
    torch: Any, modules: Any, given: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        verifai.export(*given(torch, modules))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros((1, 1, 5, 4), np.float32), r"has shape \[1, 1, 5, 4\], expected \[1, 1, 5, 5\]"),
        (np.full((1, 1, 5, 5), np.nan, np.float32), r"nan at index \[0, 0, 0, 0\]"),
        (np.full((1, 1, 5, 5), np.inf), "inf at index"),
        (np.full((1, 1, 5, 5), 1e300), "beyond the range of float32"),
        (np.full((1, 1, 5, 5), "a"), "expected numbers"),
        ({"y": np.zeros((1, 1, 5, 5))}, "inputs are"),
        (np.zeros((1, 1, 5, 5), np.complex64), "expected numbers"),
        ([[1], [2, 3]], "not an array"),
        (None, "expected numbers"),
    ],
)
def test_bad_inputs_are_refused_with_what_was_expected(value: object, words: str) -> None:
    model = exported()
    with pytest.raises(InputError, match=words):
        model.check_inputs(value)


@pytest.mark.parametrize(
    "given",
    [
        lambda torch: torch.zeros(1, 1, 5, 5).to_sparse(),
        lambda torch: torch.empty(1, 1, 5, 5, device="meta"),
    ],
    ids=["sparse", "meta"],
)
def test_tensors_that_numpy_has_not_are_refused(torch: Any, given: Callable[[Any], Any]) -> None:
    with pytest.raises(InputError, match="not an array"):
        exported().check_inputs(given(torch))


TWO = (TensorInfo("x", (1, 2), "float32"), TensorInfo("n", (1,), "int32"))
X, N = np.arange(6.0).reshape(3, 1, 2), np.arange(3).reshape(3, 1)


@pytest.mark.parametrize(
    "data",
    [
        {"n": N, "x": X},
        {"n": N[:, 0], "x": X[:, 0]},  # in place of the batch axis
        [{"n": n, "x": x} for x, n in zip(X, N, strict=True)],
        zip(X, N, strict=True),
    ],
)
def test_calibration_of_several_inputs(data: object) -> None:
    samples = calibration_samples(TWO, data, 9)  # type: ignore[arg-type]
    assert [(x.dtype, n.dtype) for x, n in samples] == [(np.float32, np.int32)] * 3
    assert np.array_equal([x for x, _ in samples], X)
    assert np.array_equal([n for _, n in samples], N)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"x": X}, "inputs are"),
        ({"x": X, "n": N[:2]}, r"different numbers of samples: \[2, 3\]"),
        ({"x": X[..., :1], "n": N}, "Calibration data has shape"),
    ],
)
def test_calibration_that_no_inputs_have(data: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        calibration_samples(TWO, data, 9)  # type: ignore[arg-type]


def test_inputs_come_in_many_forms(torch: Any) -> None:
    model = exported()
    array = np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5)
    name = model.inputs[0].name
    forms = (
        array,
        torch.from_numpy(array),
        array.tolist(),
        (array,),
        {name: array},
        array.astype(int),
    )
    for form in forms:
        (found,) = model.check_inputs(form)
        assert found.dtype == np.float32
        assert np.array_equal(found, array)
