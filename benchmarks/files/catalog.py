"""What is tried: entries, each a file that is built or taken from a package."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: Inputs of each entry: one is proved, the others calibrate.
SAMPLES: Final = 25
#: Modules with a function ``entries``, and the packages that each needs.
SOURCES: Final = {
    "torch_": ("torch", "torchvision"),
    "hugging": ("torch", "transformers"),
    "tabular": ("skl2onnx", "onnxmltools", "xgboost", "lightgbm"),
    "packaged": ("onnx",),
}


@dataclass(frozen=True)
class Entry:
    """One file.

    Attributes:
        name: ``resnet18-dynamo``.
        group: what the table counts together.
        build: writes ``model.onnx`` and ``samples.npz`` into a folder.
    """

    name: str
    group: str
    build: Callable[[Path], None]


def entries(source: str) -> list[Entry]:
    """The entries of one of :data:`SOURCES`; none if a package is missing."""
    if any(importlib.util.find_spec(package) is None for package in SOURCES[source]):
        return []
    found: list[Entry] = import_module(f"benchmarks.files.{source}").entries()
    return found


def save_samples(folder: Path, samples: dict[str, NDArray[Any]]) -> None:
    """Inputs by name, each of shape [SAMPLES, ...the input's]."""
    np.savez(folder / "samples.npz", **samples)  # type: ignore[arg-type]


def random_inputs(kind: str, shape: tuple[int, ...], high: int = 2, seed: int = 0) -> NDArray[Any]:
    """:data:`SAMPLES` inputs of a dtype and shape: normal numbers, small integers, words."""
    rng = np.random.default_rng(seed)
    size = (SAMPLES, *shape)
    if kind.startswith("float"):
        return rng.normal(size=size).astype(kind)
    if kind == "object":  # strings
        return np.full(size, "monday")
    return rng.integers(0, high, size=size).astype(kind)
