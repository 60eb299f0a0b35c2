"""``verifai export``."""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

import numpy as np

from verifai.cli.files import read_arrays, target
from verifai.cli.output import Output
from verifai.errors import InputError, UsageError
from verifai.extras import require


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "module",
        metavar="FILE.py:NAME",
        help="a torch.nn.Module, or a function without arguments that returns one; the file is run",
    )
    parser.add_argument(
        "--example", required=True, metavar="FILE", help="example input, .npy/.json"
    )
    parser.add_argument("--out", default="model.onnx", metavar="FILE", help="the ONNX file")
    parser.add_argument("--force", action="store_true", help="overwrite the output")


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai

    path = target(arguments.out, arguments.force)
    example = read_arrays(arguments.example)
    module = _find(arguments.module)
    model = verifai.export(module, _tensors(module, example))
    model.save(path)
    output.say(f"{path}: {model!r}")
    output.result({"path": str(path), "model": model.digest})


def _tensors(module: Any, example: Any) -> tuple[Any, ...]:
    """One tensor per input; floats, and the one array that is all, in the module's float type."""
    import torch

    parameters = (p.dtype for p in module.parameters() if p.is_floating_point())
    floating = next(parameters, torch.float32)
    if not isinstance(example, dict):
        return (_tensor(example).to(floating),)
    names = list(inspect.signature(module.forward).parameters)
    if set(example) <= set(names):
        example = {name: example[name] for name in names if name in example}
    tensors = map(_tensor, example.values())
    return tuple(t.to(floating) if t.is_floating_point() else t for t in tensors)


def _tensor(array: Any) -> Any:
    import torch

    try:
        return torch.from_numpy(np.asarray(array))
    except TypeError as error:  # also an opening, or a list of inputs
        raise InputError(f"The example is no array of torch: {error!s:.200}") from None


def _find(spec: str) -> Any:
    path, colon, name = spec.rpartition(":")
    if Path(spec).is_file():
        raise UsageError(
            f"{spec} is a file; which of its models?",
            hint=f"{spec}:NAME, where NAME is a module in it, or a function that returns one.",
        )
    if not colon or not Path(path).is_file():
        raise UsageError(f"Expected FILE.py:NAME with an existing file, found {spec!r}.")
    loader = importlib.util.spec_from_file_location(Path(path).stem, path)
    if loader is None or loader.loader is None:
        raise UsageError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(loader)
    sys.modules[loader.name] = module
    torch = require("torch", "torch", "exporting a torch module")
    try:
        loader.loader.exec_module(module)
        found = getattr(module, name, None)
        made = found() if callable(found) and not isinstance(found, torch.nn.Module) else found
    except (Exception, SystemExit) as error:  # whatever the file does
        said = f"{type(error).__name__}: {error}"
        raise UsageError(f"{path} cannot be run: {said:.400}") from error
    if not hasattr(module, name):
        raise UsageError(f"{path} defines no {name!r}.")
    if not isinstance(made, torch.nn.Module):
        raise UsageError(f"{spec} gives {type(made).__name__}, not a torch.nn.Module.")
    return made
