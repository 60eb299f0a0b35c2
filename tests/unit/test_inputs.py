"""What inputs may look like: one inference, a batch that is asked for, and calibration data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from verifai.errors import InputError, UsageError
from verifai.model.inputs import TensorInfo, calibration_samples, check_batch, without_batch_axis

IMAGE = TensorInfo("x", (1, 2, 3), "float32")
FLAT = TensorInfo("y", (4,), "float32")
X = np.arange(30, dtype=np.float32).reshape(5, 1, 2, 3)
Y = np.arange(20, dtype=np.float32).reshape(5, 4)
LABELS = np.arange(5)


@pytest.mark.parametrize(
    ("info", "given", "batch", "count"),
    [
        (IMAGE, X[0], False, None),
        (IMAGE, X[0, 0], False, None),  # its batch axis is added
        (IMAGE, X, True, 5),
        (IMAGE, X[:, 0], True, 5),
        (IMAGE, X[:1], True, 1),
        (IMAGE, X[0], True, 1),
        (FLAT, Y[0], False, None),
        (FLAT, Y, True, 5),
        (FLAT, Y[:1], True, 1),
    ],
)
def test_a_batch_is_asked_for(info: TensorInfo, given: Any, batch: bool, count: int | None) -> None:
    found, (array,) = check_batch([info], given, batch)
    assert found == count
    assert array.shape == (count or 1, *info.shape)
    assert np.array_equal(array.reshape(-1), given.reshape(-1))
    assert without_batch_axis([info], given) == (["x"] if given.shape == (2, 3) else [])


@pytest.mark.parametrize(
    ("info", "given", "batch", "hint"),
    [
        (IMAGE, X, False, "--batch"),
        (IMAGE, X[:1], False, "--batch"),
        (IMAGE, X[:, 0], False, "--batch"),
        (FLAT, Y, False, "--batch"),
        (FLAT, Y[:, :3], False, "static"),
        (FLAT, Y[0], True, "in front"),
        (IMAGE, X[0, 0], True, "in front"),
        (FLAT, Y[:0], True, "in front"),
        (FLAT, np.float32(1), True, "in front"),
    ],
)
def test_what_is_neither_one_nor_a_batch(
    info: TensorInfo, given: Any, batch: bool, hint: str
) -> None:
    with pytest.raises(InputError, match="has shape") as caught:
        check_batch([info], given, batch)
    assert hint in (caught.value.hint or "")


def test_inputs_of_different_batches() -> None:
    with pytest.raises(InputError, match=r"different batches: \[2, 5\]"):
        check_batch([IMAGE, FLAT], (X, Y[:2]), True)


class Dataset:
    """As torch's: indexed, of a length, and no iterator."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int) -> Any:
        return X[index % 5], int(LABELS[index % 5])  # no IndexError beyond the end


def loader(**options: Any) -> Callable[[], Any]:
    def make() -> Any:
        data = pytest.importorskip("torch.utils.data")
        return data.DataLoader(Dataset(), batch_size=2, **options)

    return make


def generator() -> Iterator[Any]:
    yield from X


@pytest.mark.parametrize(
    ("data", "labelled"),
    [
        (lambda: X, False),
        (lambda: X[:, 0], False),
        (lambda: list(X), False),
        (lambda: [x.tolist() for x in X], False),
        (lambda: [x[0] for x in X], False),
        (lambda: [[*x] for x in X], False),  # a list of rows is one input
        (lambda: {"x": X}, False),
        (lambda: [{"x": x} for x in X], False),
        (lambda: [X[:2], X[2:]], False),
        (lambda: [{"x": X[:2]}, {"x": X[2:]}], False),
        (generator, False),
        (lambda: list(zip(X, LABELS, strict=True)), True),
        (lambda: list(zip(X, X, strict=True)), True),  # an autoencoder's
        (lambda: [[X[:2], LABELS[:2]], [X[2:], LABELS[2:]]], True),
        (Dataset, True),
        (loader(), True),
        (loader(collate_fn=lambda pairs: {"x": np.stack([x for x, _ in pairs])}), False),
    ],
)
def test_calibration_data_of_every_form(data: Callable[[], Any], labelled: bool) -> None:
    said: list[str] = []
    samples = calibration_samples([IMAGE], data(), 10, type("", (), {"stage": said.append}))  # type: ignore[arg-type]
    assert np.array_equal(np.stack([x for (x,) in samples]), X)
    assert [("labels" in text) for text in said] == [True] * labelled
    assert len(calibration_samples([IMAGE], data(), 3)) == 3


@pytest.mark.parametrize(
    "data",
    [
        {"y": Y, "x": X},
        list(zip(X, Y, strict=True)),
        list(zip(X, Y, LABELS, strict=True)),
        [(X[:2], Y[:2]), (X[2:], Y[2:])],
        [[X, Y, LABELS]],
    ],
)
def test_calibration_data_of_two_inputs(data: Any) -> None:
    samples = calibration_samples([IMAGE, FLAT], data, 10)
    for index in (0, 1):
        assert np.array_equal(np.stack([sample[index] for sample in samples]), (X, Y)[index])


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ([], UsageError, "empty"),
        (X[:0], UsageError, "empty"),
        (Y, InputError, r"Calibration data has shape \[5, 4\]"),
        ([X[0], Y[0]], InputError, "Sample 1: "),
        ((X, LABELS), InputError, "Sample 5: "),
        ([X[0], np.full((1, 2, 3), np.nan)], InputError, "Sample 1: .* holds nan"),
        ({"z": X}, InputError, "inputs are"),
    ],
)
def test_what_is_no_calibration_data(data: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        calibration_samples([IMAGE], data, 10)


@pytest.mark.parametrize(
    ("x", "y", "constant"),
    [
        (X, Y, []),
        (np.zeros_like(X), Y, ["'x' hold no number but 0:"]),
        (X, np.full_like(Y, 2.5), ["'y' hold no number but 2.5:"]),
        (np.stack([X[1]] * 5), Y, []),  # one sample again and again has a range
        (np.arange(5.0).repeat(6).reshape(X.shape), Y, []),
    ],
)
def test_calibration_data_without_a_range_are_noticed(x: Any, y: Any, constant: list[str]) -> None:
    said: list[str] = []
    calibration_samples([IMAGE, FLAT], {"x": x, "y": y}, 10, type("", (), {"stage": said.append}))  # type: ignore[arg-type]
    assert len(said) == len(constant)
    assert all(words in text for words, text in zip(constant, said, strict=True))


def test_so_is_a_mask_that_never_changes() -> None:
    said: list[str] = []
    info = TensorInfo("mask", (2,), "bool")
    calibration_samples([info], np.ones((3, 2), bool), 10, type("", (), {"stage": said.append}))  # type: ignore[arg-type]
    assert ["'mask' hold no number but 1:" in text for text in said] == [True]


def test_the_inputs_of_a_sample_go_together() -> None:
    with pytest.raises(InputError, match="different numbers of samples"):
        calibration_samples([IMAGE, FLAT], {"x": X, "y": Y[:2]}, 10)
