"""torch module -> ONNX, compared with torch before anyone gets it."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from verifai.errors import InputError, UnsupportedError, UsageError, VerifaiError
from verifai.extras import require
from verifai.model.estimator import export_estimator, is_estimator
from verifai.model.function import as_function, is_plain, tensors_of
from verifai.model.model import Model, load
from verifai.model.quiet import quiet
from verifai.progress import Progress

#: The newest operator set that ezkl's importer reads, and the oldest that torch's exporter writes.
OPSET: Final = 18
#: Random inputs on which ONNX and torch are compared, besides the example.
RANDOM_CHECKS: Final = 4
#: Both compute in float32, in different orders.
RELATIVE_TOLERANCE: Final = 1e-3
ABSOLUTE_TOLERANCE: Final = 1e-5


def export(
    module: Any,
    example_inputs: Any,
    *,
    name: str | None = None,
    progress: Progress | bool | None = None,
) -> Model:
    """Export a ``torch.nn.Module`` or a scikit-learn estimator to ONNX (opset 18, one file, static
    shapes).

    A module is exported in evaluation mode and put back into its own mode. The result is run
    by onnxruntime on the example and on random inputs of its shape and range (by column where a
    column holds categories), and must agree with torch. An input that the module ignores stays;
    the progress and :attr:`Model.notes` say which one.

    A fitted estimator or pipeline becomes a model of one row. What it predicts has to agree on the
    rows given, and on rows with their columns shuffled. A classifier gives the label and the
    probabilities; classes with names are numbered in the order of ``classes_``.

    Args:
        module: the module, or the estimator.
        example_inputs: of a module a tensor, or a tuple of tensors, with the shapes to prove; or a
            mapping of tensors by the names of the module's inputs, as a tokenizer gives it. Outputs
            may be tensors, or what holds them: tuples, dicts, dataclasses. Caches for a next call
            are left out. Of an estimator a table of rows: an array [N, columns] is one input; of a
            DataFrame each column is an input with a scale of its own, and integers stay integers.
        name: shown in messages; default the module's class name.
        progress: see :func:`verifai.progress.reporting`.

    Raises:
        UsageError: not a module or estimator, or not tensors.
        InputError: a non-finite example or output.
        UnsupportedError: it cannot be exported, shapes are dynamic, or ONNX disagrees with it.
        MissingExtraError: torch is not installed, or for an estimator skl2onnx.
    """
    if is_estimator(module):
        return export_estimator(module, example_inputs, name or type(module).__name__)
    torch = require("torch", "torch", "exporting a torch module")
    require("onnxscript", "torch", "exporting a torch module")
    if not isinstance(module, torch.nn.Module):
        raise UsageError(f"export takes a torch.nn.Module, not {type(module).__name__}.")
    keywords: tuple[str, ...] = ()
    examples = example_inputs if isinstance(example_inputs, (tuple, list)) else (example_inputs,)
    if isinstance(example_inputs, Mapping):
        keywords, examples = tuple(example_inputs), tuple(example_inputs.values())
    if not examples or not all(isinstance(example, torch.Tensor) for example in examples):
        raise UsageError(
            "example_inputs is a tensor, a tuple of tensors, or a mapping of tensors by name.",
            hint="torch.from_numpy(array)",
        )
    label = name or type(module).__name__
    arrays = _arrays(examples, label)
    with _evaluation_mode(module), torch.no_grad():
        named = dict(zip(keywords, examples, strict=True)) if keywords else examples
        output = _output(module, named, label)
        names = None
        if keywords or not is_plain(output):
            names = (keywords or None, tuple(name for name, _ in tensors_of(output)))
            module = as_function(module, keywords)
        outputs = _outputs(module, examples, label)
        model = load(_onnx(torch, module, tuple(examples), label, names), progress=progress)
        if len(model.inputs) != len(examples):
            raise UnsupportedError(
                f"{label} takes {len(examples)} inputs, its ONNX {len(model.inputs)}.",
                hint="Remove the inputs that do not matter from the module's forward.",
            )
        _agree(model, arrays, outputs, label)
        for seed in range(RANDOM_CHECKS):
            inputs, wanted = _random_case(module, examples, seed, label)
            _agree(model, _arrays(inputs, label), wanted, label)
    return model


@contextlib.contextmanager
def _evaluation_mode(module: Any) -> Iterator[None]:
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training


#: Names of inputs, if they are not those of the module's forward, and of outputs.
_Names: TypeAlias = tuple[tuple[str, ...] | None, tuple[str, ...]]


def _onnx(
    torch: Any, module: Any, examples: tuple[Any, ...], label: str, names: _Names | None
) -> bytes:
    said = io.StringIO()  # the exporter prints its progress, and its reasons
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        try:
            with (
                contextlib.redirect_stdout(said),
                contextlib.redirect_stderr(said),
                warnings.catch_warnings(),
                quiet("torch.onnx", "onnxscript", "onnx_ir"),
            ):
                warnings.simplefilter("ignore")
                torch.onnx.export(
                    module,
                    examples,
                    path,
                    dynamo=True,
                    external_data=False,
                    opset_version=OPSET,
                    verbose=False,
                    input_names=names and names[0],
                    output_names=names and names[1],
                )
        except VerifaiError:
            raise
        except Exception as error:
            raise UnsupportedError(
                f"torch cannot export {label} to ONNX: {_reason(error):.400}",
                hint="Control flow that depends on values, and shapes that depend on data, "
                "cannot be traced.",
            ) from error
        return path.read_bytes()


def _reason(error: BaseException) -> str:
    """The first line of the innermost cause: the exporter wraps what went wrong, layer by layer."""
    while error.__cause__ is not None:
        error = error.__cause__
    line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _output(module: Any, inputs: Any, label: str) -> Any:
    """What the module returns, which holds a tensor."""
    try:
        output = module(**inputs) if isinstance(inputs, dict) else module(*inputs)
    except Exception as error:
        raise UsageError(f"{label} does not run on these inputs: {error}") from error
    if not any(tensors_of(output)):
        raise UnsupportedError(
            f"{label} returns {type(output).__name__}; a circuit has tensors as outputs.",
            hint="Return a tensor, or a tuple, dict or dataclass of tensors.",
        )
    return output


def _outputs(module: Any, inputs: Sequence[Any], label: str) -> list[NDArray[Any]]:
    output = _output(module, inputs, label)
    return _arrays([tensor for _, tensor in tensors_of(output)], label)


def _arrays(tensors: Sequence[Any], label: str) -> list[NDArray[Any]]:
    """The tensors in numpy, which has no bfloat16, sparse or meta tensors."""
    try:
        return [tensor.detach().cpu().numpy() for tensor in tensors]
    except (TypeError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise UnsupportedError(
            f"{label} has a tensor that numpy does not: {reason:.200}.",
            hint="Use dense tensors of float32: module.float(), tensor.float().",
        ) from None


def _agree(
    model: Model, inputs: list[NDArray[Any]], wanted: list[NDArray[Any]], label: str
) -> None:
    if not all(np.isfinite(array).all() for array in wanted):
        raise InputError(f"An output of {label} is not finite on inputs like the example.")
    found = model.run(tuple(inputs) if len(inputs) > 1 else inputs[0])
    if len(found) != len(wanted):
        raise UnsupportedError(f"{label} has {len(wanted)} outputs, its ONNX {len(found)}.")
    for info, got, want in zip(model.outputs, found, wanted, strict=True):
        if got.shape != want.shape:
            raise UnsupportedError(
                f"Output {info.name!r} has shape {list(got.shape)} in ONNX and "
                f"{list(want.shape)} in torch."
            )
        error = np.abs(got.astype(np.float64) - want.astype(np.float64))
        scale = float(np.abs(want).max(initial=0.0))
        if float(error.max(initial=0.0)) > ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * scale:
            raise UnsupportedError(
                f"Output {info.name!r} of {label} differs between ONNX and torch by "
                f"{error.max():.3g} (values up to {scale:.3g}).",
                hint="The module may be random, or keep state between calls.",
            )


def _random_case(
    module: Any, examples: Sequence[Any], seed: int, label: str
) -> tuple[list[Any], list[NDArray[Any]]]:
    """Random inputs that the module runs on, and its outputs.

    Every tensor is drawn from its whole range, if the module runs on that. A column may hold
    categories, which index a table: then integers, and if need be floats too, are drawn from the
    values that the example holds in the same column.
    """
    for integers, floats in ((False, False), (True, False), (True, True)):
        inputs = [
            _resampled(example, seed)
            if (floats if example.dtype.is_floating_point else integers)
            else _like(example, seed)
            for example in examples
        ]
        try:
            wanted = _outputs(module, inputs, label)
        except UsageError:
            continue
        if all(np.isfinite(array).all() for array in wanted):
            return inputs, wanted
    raise UsageError(
        f"{label} runs on its example, and neither on random inputs of its range nor on the "
        "example's values in another order.",
        hint="The module may keep state between calls.",
    )


def _resampled(example: Any, seed: int) -> Any:
    """Each element anew from those of its column, the last axis of ``example``."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    rows = example.reshape(-1, example.shape[-1] if example.ndim else 1)
    picked = torch.randint(0, len(rows), rows.shape, generator=generator)
    return rows.gather(0, picked.to(rows.device)).reshape(example.shape)


def _like(example: Any, seed: int) -> Any:
    """A random tensor with the shape, dtype and range of ``example``."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    if example.dtype == torch.bool:
        return torch.randint(0, 2, example.shape, generator=generator).bool()
    low, high = example.min().item(), example.max().item()
    if not example.dtype.is_floating_point and (low, high) == (0, 1) and example.ndim:
        # a mask: with a token that every other one sees, as in the example
        mask = torch.randint(0, 2, example.shape, generator=generator).to(example.dtype)
        mask[..., 0], mask[..., -1] = example[..., 0], example[..., -1]
        return mask
    if example.dtype.is_floating_point:
        if not np.isfinite([low, high]).all():
            raise InputError("The example input holds NaN or infinity.")
        if low == high:
            low, high = low - 1.0, high + 1.0
        return (
            torch.rand(example.shape, generator=generator, dtype=example.dtype) * (high - low) + low
        )
    return torch.randint(int(low), int(high) + 1, example.shape, generator=generator).to(
        example.dtype
    )
