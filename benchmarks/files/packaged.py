"""ONNX files that packages ship: models with their real weights, and onnx's own collection.

That collection (``onnx/backend/test/data``) holds modules of torch's test suite, written by its
first exporter in operator set 6, and small models of other formats.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.files.catalog import SAMPLES, Entry, random_inputs, save_samples

#: File in an installed package, and shapes of the inputs that it leaves open.
FILES: Final[dict[str, tuple[str, str, dict[str, tuple[int, ...]]]]] = {
    "ppocr-v4-detection": ("rapidocr_onnxruntime", "models/*_det_infer.onnx",
                           {"x": (1, 3, 64, 64)}),
    "ppocr-v4-recognition": ("rapidocr_onnxruntime", "models/*_rec_infer.onnx",
                             {"x": (1, 3, 48, 32)}),
    "ppocr-v2-direction": ("rapidocr_onnxruntime", "models/*_cls_infer.onnx",
                           {"x": (1, 3, 48, 32)}),
    "magika-v3": ("magika", "models/*/model.onnx", {}),
    "silero-vad": ("silero_vad", "data/silero_vad.onnx", {
        "input": (1, 576), "state": (2, 1, 128), "sr": ()}),
    "silero-vad-16k": ("silero_vad", "data/silero_vad_16k_op15.onnx", {
        "input": (1, 576), "state": (2, 1, 128), "sr": ()}),
    "silero-vad-half": ("silero_vad", "data/silero_vad_half.onnx", {
        "input": (1, 576), "state": (2, 1, 128), "sr": ()}),
    "silero-vad-18-ifless": ("silero_vad", "data/silero_vad_op18_ifless.onnx", {
        "input": (1, 576), "state": (2, 1, 128), "sr": ()}),
}  # fmt: skip
#: Above these integers an input that selects something would select nothing.
HIGH: Final = {"bytes": 257}
#: Inputs that choose a branch: one value, which `load` is given.
SETTINGS: Final = {"sr": 16_000}
#: Folders of onnx's collection.
COLLECTION: Final = ("pytorch-converted", "pytorch-operator", "simple")


def pictures(shape: tuple[int, ...]) -> NDArray[Any]:
    """White images with dark digits side by side, in [-1, 1] as these models take them: a line of
    text as high as the image, on a square page one of a quarter of its height.
    """
    from sklearn.datasets import load_digits

    *_, height, width = shape
    digits = 1 - load_digits().images / 8
    scale = height // 8 if width != height else height // 32
    size = 8 * scale
    count = -(-width // size) if width != height else 3
    rng = np.random.default_rng(0)
    made = []
    for _ in range(SAMPLES):
        row = np.concatenate(digits[rng.choice(len(digits), count)], axis=1)
        line = row.repeat(scale, 0).repeat(scale, 1)[:, :width]
        page = np.ones((height, width))
        top = rng.integers(0, height - size + 1)
        left = rng.integers(0, width - line.shape[1] + 1)
        page[top : top + size, left : left + line.shape[1]] = line
        made.append(np.broadcast_to(page, shape))
    return np.array(made, np.float32)


def sounds(shape: tuple[int, ...]) -> NDArray[Any]:
    """Vowels at 16 kHz, in [-1, 1]: a few harmonics of a voice, and noise."""
    rng = np.random.default_rng(0)
    time = np.arange(shape[-1]) / 16_000
    made = []
    for _ in range(SAMPLES):
        pitch = rng.uniform(90, 250)
        harmonics = [np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 9)]
        voice = rng.uniform(0.02, 0.3) * sum(harmonics)
        made.append((voice + rng.normal(0, 0.005, len(time))).clip(-1, 1).reshape(shape))
    return np.array(made, np.float32)


def build(source: Path, shapes: dict[str, tuple[int, ...]], folder: Path) -> None:
    """Copy a file, and draw inputs for it."""
    import onnx

    shutil.copy(source, folder / "model.onnx")
    graph = onnx.load(source, load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    samples = {}
    for value in graph.input:
        if value.name in weights:
            continue
        tensor = value.type.tensor_type
        shape = shapes.get(value.name) or tuple(d.dim_value or 1 for d in tensor.shape.dim)
        kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
        array: Any = random_inputs(kind, shape, HIGH.get(value.name, 2))
        if value.name in SETTINGS:
            array = np.full_like(array, SETTINGS[value.name])
        if "sqrt" in folder.name:  # of numbers that have a root
            array = np.abs(array)
        if len(shape) == 4 and value.name in shapes:
            array = pictures(shape)
        if folder.name.startswith("silero") and value.name == "input":
            array = sounds(shape)
        samples[value.name] = array
    fixed = {name: value for name, value in SETTINGS.items() if name in samples}
    if fixed:
        (folder / "fixed.json").write_text(json.dumps(fixed))
    save_samples(folder, samples)


def _collection() -> list[Entry]:
    spec = importlib.util.find_spec("onnx")
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent / "backend" / "test" / "data"
    return [
        Entry(path.parent.name, f"onnx's collection, {kind}", partial(build, path, {}))
        for kind in COLLECTION
        for path in sorted((root / kind).glob("*/model.onnx"))
    ]


def entries() -> list[Entry]:
    """Those whose package is installed."""
    found = []
    for name, (package, pattern, shapes) in FILES.items():
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            for path in sorted(Path(place).glob(pattern))[:1]:
                found.append(Entry(name, "packages with models", partial(build, path, shapes)))
    return [*found, *_collection()]
