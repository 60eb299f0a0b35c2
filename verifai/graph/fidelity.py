"""How far the integer graph is from the float model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.errors import UsageError
from verifai.graph.graph import IntegerGraph
from verifai.graph.integer import Input, Integers, Requantise
from verifai.graph.run import dequantise, quantise_inputs, run
from verifai.model import Model

#: Inputs that are run at once: the values of all nodes are in memory.
CHUNK: Final = 16


@dataclass(frozen=True)
class Fidelity:
    """Errors of the circuit against the float model, over some inputs.

    Attributes:
        samples: how many inputs.
        maximum_error, mean_error: of the outputs, absolute.
        relative_error: the largest error over the range of the float outputs (largest minus
            smallest, over all samples; the largest absolute value where all are the same).
        top1: share of inputs on which the largest output along the last axis is the same; None if
            that axis has one entry.
        scales: log2 of the units of inputs and outputs.
        bits: for each range-checked tensor, by the ONNX node that makes it, the bits that its
            values used, sign included, and the bits that it has.
    """

    samples: int
    maximum_error: float
    mean_error: float
    relative_error: float
    top1: float | None
    scales: tuple[int, ...]
    bits: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def __repr__(self) -> str:
        agreement = "" if self.top1 is None else f", top-1 agreement {100 * self.top1:.2f} %"
        tight = [f"{name} {used}" for name, (used, has) in self.bits.items() if used < has - 4]
        # an activation that uses few of its bits is where precision is lost
        few = f", few bits used: {', '.join(tight[:5])}" if tight else ""
        return (
            f"Fidelity({self.samples} inputs: largest error {self.maximum_error:.3g} "
            f"({100 * self.relative_error:.3g} % of the range), mean {self.mean_error:.3g}"
            f"{agreement}{few})"
        )


def fidelity(
    graph: IntegerGraph, model: Model, data: Sequence[tuple[npt.NDArray[Any], ...]]
) -> Fidelity:
    """Compare circuit and model on inputs, each a tuple of one array per model input.

    Raises:
        UsageError: no inputs.
        InputError: an input beyond the calibrated range.
    """
    if not data:
        raise UsageError("Fidelity is measured on at least one input.")
    expected = [model.run(sample) for sample in data]
    parts: list[list[npt.NDArray[np.float64]]] = []
    used: dict[int, int] = {}
    for values in _runs(graph, data):
        parts.append([_reals(graph, node, values) for node in graph.outputs])
        _count_bits(graph, values, used)
    largest = relative = total = 0.0
    count = 0
    agreed: list[float] = []
    for position, shape in enumerate(graph.output_shapes):
        made = np.concatenate([part[position] for part in parts]).reshape(len(data), *shape)
        real = np.stack([np.asarray(outputs[position], np.float64) for outputs in expected])
        error = np.abs(made - real)
        largest = max(largest, float(error.max()))
        total, count = total + float(error.sum()), count + error.size
        span = float(real.max() - real.min()) or float(np.abs(real).max())
        relative = max(relative, float(error.max()) / span if span else 0.0)
        if shape and shape[-1] > 1:
            agreed.append(float((made.argmax(-1) == real.argmax(-1)).mean()))
    return Fidelity(
        samples=len(data),
        maximum_error=largest,
        mean_error=total / count,
        relative_error=relative,
        top1=min(agreed) if agreed else None,
        scales=tuple(graph.nodes[node].scale for node in graph.inputs + graph.outputs),
        # of several ranged tensors that one ONNX node makes, the last is what it stands for
        bits={
            graph.nodes[node].name: (
                bits,
                (graph.nodes[node].high - graph.nodes[node].low).bit_length(),
            )
            for node, bits in sorted(used.items())
        },
    )


def _runs(
    graph: IntegerGraph, data: Sequence[tuple[npt.NDArray[Any], ...]]
) -> Iterator[list[Integers]]:
    """The values of all nodes, a chunk of inputs at a time."""
    for start in range(0, len(data), CHUNK):
        chunk = data[start : start + CHUNK]
        batches = [np.stack([sample[i] for sample in chunk]) for i in range(len(graph.inputs))]
        yield run(graph, quantise_inputs(graph, batches), batch=True)


def _reals(graph: IntegerGraph, node: int, values: Sequence[Integers]) -> npt.NDArray[np.float64]:
    """A node's values as reals, batch first."""
    size = len(values[graph.inputs[0]])
    reals = dequantise(graph, node, values[node])
    return np.broadcast_to(reals, (size, *graph.nodes[node].shape))


def _count_bits(graph: IntegerGraph, values: Sequence[Integers], used: dict[int, int]) -> None:
    """Most bits that the values of each range-checked node needed so far."""
    for index, (node, array) in enumerate(zip(graph.nodes, values, strict=True)):
        if isinstance(node.operation, (Input, Requantise)):
            low, high = int(array.min()), int(array.max())
            bits = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + 1
            used[index] = max(bits, used.get(index, 0))
