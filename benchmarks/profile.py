"""Where one native proof spends its time: ``python -m benchmarks.profile --models lenet,mlp``.

Times are medians of several proofs per stage, and the best one: a large difference means that the
machine was busy. ``integer graph`` and ``witness`` run in
Python, everything else is a step of the Rust prover, in its order.
"""

from __future__ import annotations

import argparse
import json
import statistics
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import verifai
from benchmarks.machine import machine
from benchmarks.steps import cpu_seconds, timed
from verifai.backends.native.keys import load
from verifai.circuit.witness import witness
from verifai.graph import quantise_inputs, run
from verifai.model.inputs import check_batch


def _values(pk: verifai.ProvingKey, inputs: Any, several: bool) -> tuple[int, Any]:
    """The batch, and the integer graph's values."""
    graph = load(pk).graph
    model = verifai.Model.from_bytes(bytes(pk.circuit.onnx))
    batch, arrays = check_batch(model.inputs, inputs, several)
    return batch or 1, run(graph, quantise_inputs(graph, arrays), batch=True)


def committed(pk: verifai.ProvingKey, inputs: Any, several: bool) -> tuple[int, list[bytes]]:
    """The batch and the committed tensors, as the Rust prover takes them."""
    batch, values = _values(pk, inputs, several)
    return batch, _tensors(pk, batch, values)


def _tensors(pk: verifai.ProvingKey, batch: int, values: Any) -> list[bytes]:
    return [tensor.astype("<i8").tobytes() for tensor in witness(load(pk).lowered, values, batch)]


def stages(
    pk: verifai.ProvingKey, inputs: Any, several: bool, proofs: int
) -> dict[str, dict[str, float]]:
    """Median and best seconds by stage."""
    prover = load(pk).prover
    found: dict[str, list[float]] = {}
    for _ in range(proofs):
        seconds, (batch, values) = timed(lambda: _values(pk, inputs, several))
        found.setdefault("integer graph", []).append(seconds)
        seconds, tensors = timed(partial(_tensors, pk, batch, values))
        found.setdefault("witness", []).append(seconds)
        for name, seconds in prover.profile(batch, tensors, bytes(32)):
            found.setdefault(name, []).append(seconds)
    return {
        name: {"seconds": statistics.median(runs), "best": min(runs)}
        for name, runs in found.items()
    }


def profile(model: str, batch: int, proofs: int) -> dict[str, Any]:
    """One model's stages, in this process."""
    from benchmarks.models import MODELS

    work = MODELS[model]()
    exported = work.exported()
    circuit = verifai.compile(exported, work.calibration, progress=False)
    pk, _ = verifai.setup(circuit, progress=False)
    inputs = work.held_out[0]
    if batch > 1:
        inputs = np.resize(work.held_out, (batch, *work.held_out.shape[1:]))
    spent = cpu_seconds()
    seconds, found = timed(lambda: stages(pk, inputs, batch > 1, proofs))
    return {
        "model": model,
        "batch": batch,
        "cores": (cpu_seconds() - spent) / seconds,
        "facts": dict(circuit.facts),
        "stages": found,
    }


def main() -> None:
    """Print one table per model."""
    from benchmarks.models import MODELS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="lenet", help=f"of {','.join(MODELS)}")
    parser.add_argument("--batch", type=int, default=1, help="inferences in one proof")
    parser.add_argument("--proofs", type=int, default=5, help="proofs; the median counts")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    console, rows = Console(), []
    here = machine()
    console.print(f"{here['processor']}, {here['cores']} cores")
    for model in arguments.models.split(","):
        row = profile(model, arguments.batch, arguments.proofs)
        rows.append(row)
        total = sum(stage["seconds"] for stage in row["stages"].values())
        title = f"{model}, batch {arguments.batch}: {total:.3f} s on {row['cores']:.1f} cores"
        table = Table(title=title)
        table.add_column("stage")
        table.add_column("ms", justify="right")
        table.add_column("best", justify="right")
        table.add_column("share", justify="right")
        for name, stage in row["stages"].items():
            median, best = 1e3 * stage["seconds"], 1e3 * stage["best"]
            table.add_row(name, f"{median:,.1f}", f"{best:,.1f}", f"{median / total / 1e3:.1%}")
        console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": here, "profiles": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
