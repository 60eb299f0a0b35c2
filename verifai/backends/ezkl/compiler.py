"""Model -> circuit: settings, calibration, compilation, and a comparison with the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from verifai.backends.ezkl import settings as ezkl_settings
from verifai.backends.ezkl.field import from_ezkl
from verifai.backends.ezkl.operators import check_operators
from verifai.backends.ezkl.process import (
    Step,
    call,
    installed_version,
    refusing,
    run,
    workspace,
)
from verifai.backends.options import EzklOptions, Target
from verifai.circuit import Circuit, Visibility
from verifai.errors import UnsupportedError
from verifai.graph.fidelity import declared
from verifai.model import Model
from verifai.model.inputs import calibration_samples
from verifai.progress import Progress
from verifai.proof import TensorSpec
from verifai.verifier.native.field import P as MODULUS

#: Samples that calibration and the comparison with the model use; more cost time and add little.
MAX_SAMPLES: Final = 8

Arrays = tuple[NDArray[Any], ...]


def compile(
    model: Model,
    calibration: Any,
    visibility: Visibility,
    progress: Progress,
    options: EzklOptions,
    target: Target,
) -> Circuit:
    """See :meth:`verifai.backends.protocol.Backend.compile`. Whatever the target is, ezkl lays its
    circuits out for contracts.
    """
    version = installed_version()
    run_args = ezkl_settings.run_args(visibility, options)
    check_operators(model)
    samples = calibration_samples(model.inputs, calibration, MAX_SAMPLES, progress)
    with workspace({"model.onnx": model.onnx}) as folder:
        write_input(folder / "calibration.json", samples)
        progress.stage(f"calibrating on {len(samples)} sample(s)")
        calibrate: dict[str, Any] = {
            "data": "calibration.json",
            "model": "model.onnx",
            "settings": "settings.json",
            "target": "resources",
        }
        if options.scales is not None:
            calibrate["scales"] = list(options.scales)
        to_settings = {"model": "model.onnx", "output": "settings.json"}
        steps = [
            Step("gen_settings", to_settings, run_args=run_args),
            Step("calibrate_settings", calibrate),
        ]
        with refusing(
            UnsupportedError,
            "ezkl cannot compile this model",
            hint="If a single operator is to blame, exporting parts of the model finds it.",
        ):
            run(folder, steps)
            parameters = ezkl_settings.canonical((folder / "settings.json").read_text())
            (folder / "settings.json").write_bytes(parameters)
            progress.stage("compiling the circuit")
            names = {"compiled_circuit": "circuit.ezkl", "settings_path": "settings.json"}
            call(folder, "compile_circuit", model="model.onnx", **names)
        settings = ezkl_settings.load(parameters)
        inputs, outputs = _specs(model, settings, visibility)
        progress.stage("comparing the circuit with the model")
        off = _compare(folder, model, samples, outputs, options.tolerance)
        return Circuit(
            model=model.digest,
            backend="ezkl",
            version=version,
            weights=visibility.weights,
            inputs=inputs,
            outputs=outputs,
            facts={
                "log2_rows": ezkl_settings.log_rows(settings),
                "rows": int(settings["num_rows"]),
                "measured_on": f"{len(samples)} inputs, all of which calibration saw",
                "relative_error": f"{off:.3g}",
                "tolerance": f"{options.tolerance:.3g}",
            },
            onnx=model.onnx,
            parameters=parameters,
            compiled=(folder / "circuit.ezkl").read_bytes(),
        )


def write_input(path: Path, samples: Sequence[Arrays]) -> None:
    """Samples as ezkl reads them: per input tensor one flat list, samples end to end."""
    tensors = [
        [value.item() for sample in samples for value in sample[index].reshape(-1)]
        for index in range(len(samples[0]))
    ]
    path.write_text(json.dumps({"input_data": tensors}, allow_nan=False))


def witness_outputs(path: Path, outputs: Sequence[TensorSpec]) -> list[NDArray[np.float64]]:
    """A witness file's outputs as floats, in the model's shapes."""
    rows = json.loads(path.read_text())["outputs"]
    arrays = []
    for row, spec in zip(rows, outputs, strict=True):
        integers = (from_ezkl(text) for text in row)
        signed = [value - MODULUS if value > MODULUS // 2 else value for value in integers]
        arrays.append(spec.real(signed))
    return arrays


def _specs(
    model: Model, settings: Mapping[str, Any], visibility: Visibility
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    def specs(tensors: Sequence[Any], scales: Any, shown: str) -> tuple[TensorSpec, ...]:
        if len(scales) != len(tensors):
            raise UnsupportedError(
                f"ezkl sees {len(scales)} tensors where the model has {len(tensors)}: an input "
                "that nothing uses, or one used twice.",
                hint="Remove unused inputs from the module.",
            )
        return tuple(
            TensorSpec(tensor.name, tensor.shape, int(scale), shown)
            for tensor, scale in zip(tensors, scales, strict=True)
        )

    inputs = ezkl_settings.one_word(visibility, "input")
    outputs = ezkl_settings.one_word(visibility, "output")
    return (
        specs(model.inputs, settings["model_input_scales"], inputs),
        specs(model.outputs, settings["model_output_scales"], outputs),
    )


def _compare(
    folder: Path,
    model: Model,
    samples: Sequence[Arrays],
    outputs: Sequence[TensorSpec],
    tolerance: float,
) -> float:
    """Largest error of the circuit against the model, as a share of the outputs' range.

    This is what catches an operator that ezkl compiles into something else.
    """
    steps = []
    for index, sample in enumerate(samples):
        write_input(folder / f"input-{index}.json", [sample])
        names = {"data": f"input-{index}.json", "output": f"witness-{index}.json"}
        steps.append(Step("gen_witness", {"model": "circuit.ezkl", **names}))
    with refusing(UnsupportedError, "ezkl cannot run its own circuit"):
        run(folder, steps)
    expected = [model.run(sample) for sample in samples]
    found = [
        witness_outputs(folder / f"witness-{index}.json", outputs) for index in range(len(samples))
    ]
    worst = 0.0
    for position, spec in enumerate(outputs):
        wanted = np.stack([declared(spec.name, spec.shape, row[position]) for row in expected])
        wanted = wanted.astype(np.float64)
        got = np.stack([row[position] for row in found])
        gap = float(np.abs(wanted - got).max())
        spread = float(wanted.max() - wanted.min())
        # A constant output has no spread; compare with its size, and never finer than 4 steps.
        reference = max(spread, float(np.abs(wanted).max()), 1e-9)
        share = max(0.0, gap - 4 / 2**spec.scale) / reference
        worst = max(worst, gap / reference)
        if share > tolerance:
            raise UnsupportedError(
                f"The circuit's output {spec.name!r} is off by {gap:.3g} on calibration data "
                f"({100 * share:.1f} % of its range; the tolerance is {100 * tolerance:.1f} %).",
                hint="ezkl compiled an operator into something else, or the scales are too "
                "small: try EzklOptions(scales=[13]) or a larger tolerance.",
            )
    return worst
