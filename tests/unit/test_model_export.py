"""torch -> ONNX: compared with torch, reproducible, and refused with a reason."""

from __future__ import annotations

import functools
import subprocess
import sys

import numpy as np
import pytest

import verifai
from verifai.errors import InputError, UnsupportedError, UsageError
from verifai.model.inputs import TensorInfo, calibration_samples

torch = pytest.importorskip("torch")


def small() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten())


@functools.cache
def exported() -> verifai.Model:
    return verifai.export(small(), torch.rand(1, 1, 5, 5))


def test_export_agrees_with_torch_and_keeps_the_mode() -> None:
    module = small().train()
    x = torch.rand(1, 1, 5, 5)
    model = verifai.export(module, x)
    assert module.training
    assert all(part.training for part in module.modules())
    assert [info.shape for info in model.inputs] == [(1, 1, 5, 5)]
    with torch.no_grad():
        assert np.allclose(model.run(x)[0], module(x).numpy(), atol=1e-6)


def test_export_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    verifai.export(small(), torch.rand(1, 1, 5, 5))
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_the_digest_is_the_same_in_every_process() -> None:
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


class Branch(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


class Dict(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": x + 1}


class Infinite(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / 0


class Random(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.rand_like(x)


class Unused(torch.nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + 1


class Categories(torch.nn.Module):
    """A table of 3 and one of 1,000, for the two columns of the input."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = torch.nn.ModuleList([torch.nn.Embedding(n, 2) for n in (3, 1000)])

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        columns = [table(x[:, i].long()) for i, table in enumerate(self.tables)]
        return torch.cat([*columns, y], 1)


@pytest.mark.parametrize(("kind", "rows"), [(torch.int64, 3), (torch.int32, 1), (torch.float32, 3)])
def test_columns_of_categories_stay_within_their_tables(kind: torch.dtype, rows: int) -> None:
    """Integers, or floats that the module takes for integers, of one row or several."""
    examples = torch.tensor([[0, 999], [2, 5], [1, 700]], dtype=kind)[:rows]
    model = verifai.export(Categories(), (examples, torch.rand(rows, 4)))
    assert [info.shape for info in model.inputs] == [(rows, 2), (rows, 4)]


class Recording(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(50, 2)
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not torch.compiler.is_exporting():
            self.seen.append(x.clone())
        return self.table(x)


def test_other_integers_are_drawn_from_the_whole_range() -> None:
    """Tokens of one row: by column they would never change."""
    module = Recording()
    verifai.export(module, torch.tensor([[0, 49, 7]]))
    assert len({tuple(x.flatten().tolist()) for x in module.seen}) > 3


def test_the_innermost_cause_of_a_failed_export_is_shown() -> None:
    class Deep(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if torch.compiler.is_exporting():
                try:
                    raise KeyError("the cause of it all")
                except KeyError as error:
                    raise RuntimeError("a consequence") from error
            return x

    with pytest.raises(UnsupportedError, match=r"KeyError: 'the cause of it all'"):
        verifai.export(Deep(), torch.rand(2))

    class Eigenvalues(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.linalg.eigh(x)[0]

    with pytest.raises(UnsupportedError, match=r"No ONNX function found for.*_linalg_eigh"):
        verifai.export(Eigenvalues(), torch.eye(3))


def test_an_input_that_the_module_ignores_stays_and_is_named() -> None:
    model = verifai.export(Unused(), (torch.rand(2), torch.rand(3)))
    assert [info.shape for info in model.inputs] == [(2,), (3,)]
    assert model.notes == ("no result depends on y",)


@pytest.mark.parametrize(
    ("module", "inputs", "error", "words"),
    [
        (Branch(), torch.rand(2), UnsupportedError, "cannot export Branch"),
        (Dict(), torch.rand(2), UnsupportedError, "returns dict"),
        (Infinite(), torch.rand(2), InputError, "not finite"),
        (Random(), torch.rand(2), UnsupportedError, "differs between ONNX and torch"),
        (torch.nn.Linear(3, 2), torch.rand(1, 4), UsageError, "does not run"),
        (lambda x: x, torch.rand(2), UsageError, "torch.nn.Module"),
        (torch.nn.Linear(3, 2), [[1.0, 2.0, 3.0]], UsageError, "tuple of tensors"),
        (torch.nn.Linear(2, 2), torch.tensor([[np.nan, 1.0]]), InputError, "not finite"),
        (
            torch.nn.Linear(2, 2).bfloat16(),
            torch.rand(1, 2).bfloat16(),
            UnsupportedError,
            "numpy does not",
        ),
        (torch.nn.Linear(2, 2), torch.rand(1, 2).to_sparse(), UnsupportedError, "numpy does not"),
        (torch.nn.Linear(2, 2), torch.empty(1, 2, device="meta"), UnsupportedError, "numpy"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_the_reason(
    module: object, inputs: object, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        verifai.export(module, inputs)


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
        (torch.zeros(1, 1, 5, 5).to_sparse(), "not an array"),
        (torch.empty(1, 1, 5, 5, device="meta"), "not an array"),
    ],
)
def test_bad_inputs_are_refused_with_what_was_expected(value: object, words: str) -> None:
    model = exported()
    with pytest.raises(InputError, match=words):
        model.check_inputs(value)


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


def test_inputs_come_in_many_forms() -> None:
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
