"""How far the integer graph is from the float model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from verifai.graph.graph import IntegerGraph
from verifai.graph.run import dequantise, quantise_inputs, run
from verifai.model import Model


@dataclass(frozen=True)
class Fidelity:
    """Errors of the circuit against the float model, over some inputs.

    Attributes:
        samples: how many inputs.
        maximum_error, mean_error: of the outputs, absolute.
        relative_error: the largest error over the range of the float outputs (largest minus
            smallest, over all samples).
        top1: share of inputs on which the largest output along the last axis is the same; None if
            that axis has one entry.
        scales: log2 of the units of inputs and outputs.
    """

    samples: int
    maximum_error: float
    mean_error: float
    relative_error: float
    top1: float | None
    scales: tuple[int, ...]

    def __repr__(self) -> str:
        agreement = "" if self.top1 is None else f", top-1 agreement {100 * self.top1:.2f} %"
        return (
            f"Fidelity({self.samples} inputs: largest error {self.maximum_error:.3g} "
            f"({100 * self.relative_error:.3g} % of the range), mean {self.mean_error:.3g}"
            f"{agreement})"
        )


def fidelity(
    graph: IntegerGraph, model: Model, data: Sequence[tuple[npt.NDArray[Any], ...]]
) -> Fidelity:
    """Compare circuit and model on inputs, each a tuple of one array per model input.

    Raises:
        InputError: an input beyond the calibrated range.
    """
    batches = [np.stack([sample[i] for sample in data]) for i in range(len(graph.inputs))]
    values = run(graph, quantise_inputs(graph, batches), batch=True)
    expected = [model.run(sample) for sample in data]
    worst = total = 0.0
    count = 0
    relative = 0.0
    agreed: list[float] = []
    for position, (node, shape) in enumerate(zip(graph.outputs, graph.output_shapes, strict=True)):
        made = np.broadcast_to(
            dequantise(graph, node, values[node]), (len(data), *graph.nodes[node].shape)
        ).reshape(len(data), *shape)
        real = np.stack([np.asarray(outputs[position], np.float64) for outputs in expected])
        error = np.abs(made - real)
        worst = max(worst, float(error.max()))
        total, count = total + float(error.sum()), count + error.size
        span = float(real.max() - real.min())
        relative = max(relative, float(error.max()) / span if span else 0.0)
        if shape and shape[-1] > 1:
            agreed.append(float((made.argmax(-1) == real.argmax(-1)).mean()))
    nodes = graph.inputs + graph.outputs
    return Fidelity(
        samples=len(data),
        maximum_error=worst,
        mean_error=total / max(count, 1),
        relative_error=relative,
        top1=min(agreed) if agreed else None,
        scales=tuple(graph.nodes[node].scale for node in nodes),
    )
