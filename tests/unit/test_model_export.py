"""torch -> ONNX: compared with torch, reproducible, and refused with a reason."""

from __future__ import annotations

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
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout.strip()) == 64


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


@pytest.mark.parametrize(
    ("module", "inputs", "error", "words"),
    [
        (Branch(), torch.rand(2), UnsupportedError, "cannot export Branch"),
        (Dict(), torch.rand(2), UnsupportedError, "returns dict"),
        (Infinite(), torch.rand(2), InputError, "not finite"),
        (Random(), torch.rand(2), UnsupportedError, "differs between ONNX and torch"),
        (Unused(), (torch.rand(2), torch.rand(2)), UnsupportedError, "uses 1 of its 2"),
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
        (torch.zeros(1, 1, 5, 5, dtype=torch.bfloat16), "not an array"),
        (torch.zeros(1, 1, 5, 5).to_sparse(), "not an array"),
        (torch.empty(1, 1, 5, 5, device="meta"), "not an array"),
    ],
)
def test_bad_inputs_are_refused_with_what_was_expected(value: object, words: str) -> None:
    model = verifai.export(small(), torch.rand(1, 1, 5, 5))
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
    model = verifai.export(small(), torch.rand(1, 1, 5, 5))
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
