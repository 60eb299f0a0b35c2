"""``verifai export``."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np

from verifai.cli.files import read_arrays, target
from verifai.cli.output import Output
from verifai.errors import UsageError

HELP = "export a torch module to ONNX"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "module",
        metavar="FILE.py:NAME",
        help="a torch.nn.Module, or a function without arguments that returns one; the file is run",
    )
    parser.add_argument(
        "--example", required=True, metavar="FILE", help="example input, .npy/.json"
    )
    parser.add_argument("--out", default="model.onnx", metavar="FILE")
    parser.add_argument("--force", action="store_true", help="overwrite the output")


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai

    path = target(arguments.out, arguments.force)
    example = read_arrays(arguments.example)
    module = _find(arguments.module)
    if not isinstance(example, dict):
        example = (np.asarray(example, dtype=np.float32),)
    model = verifai.export(module, _tensors(example))
    model.save(path)
    output.say(f"{path}: {model!r}")
    output.result({"path": str(path), "model": model.digest})


def _tensors(example: Any) -> Any:
    import torch

    arrays = example.values() if isinstance(example, dict) else example
    return tuple(torch.from_numpy(np.asarray(array)) for array in arrays)


def _find(spec: str) -> Any:
    path, colon, name = spec.rpartition(":")
    if not colon or not Path(path).is_file():
        raise UsageError(f"Expected FILE.py:NAME with an existing file, found {spec!r}.")
    loader = importlib.util.spec_from_file_location(Path(path).stem, path)
    if loader is None or loader.loader is None:
        raise UsageError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(loader)
    sys.modules[loader.name] = module
    loader.loader.exec_module(module)
    if not hasattr(module, name):
        raise UsageError(f"{path} defines no {name!r}.")
    found = getattr(module, name)
    from verifai.extras import require

    torch = require("torch", "torch", "exporting a torch module")
    return found if isinstance(found, torch.nn.Module) else found()
