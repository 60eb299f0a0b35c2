"""How far the integer graph is from the float model, output by output."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.errors import UnsupportedError, UsageError, shown
from verifai.graph.graph import IntegerGraph
from verifai.graph.integer import Input, Integers, Requantise
from verifai.graph.run import dequantise, quantise_inputs, run
from verifai.model import Model

#: Largest relative error of a circuit that compiles, and largest share of top-1 answers that
#: differ.
DEFAULT_TOLERANCE: Final = 0.01
#: Two entries of a row are a tie if they differ by less than this share of the row's spread, and
#: by less than this: of two logits that are closer, neither is the answer.
TIE: Final = 0.01
#: A row with less than this share of its sample's spread, like a weak channel's, has no answer.
WEAK: Final = 2.0**-7
#: Outputs that vary by less than this share of their size are constant: float32 has 24 bits, and
#: sums lose a few of them.
NOISE: Final = 2.0**-17
#: Inputs that are run at once: the values of all nodes are in memory.
CHUNK: Final = 16

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OutputFidelity:
    """Errors of one output over some inputs.

    Attributes:
        name: ONNX name.
        samples: how many inputs.
        maximum_error, mean_error: absolute.
        range: largest minus smallest float output over all samples; its largest absolute value if
            that is float32's rounding only.
        relative_error: the largest error over the range; 1 if only the range is 0. Of integer and
            boolean outputs, the share of entries that differ.
        top1: share of rows, along the last axis, whose largest entry is the same (or a tie,
            :data:`TIE`; or the row weak, :data:`WEAK`); None of integers, and where a row has one
            entry.
        worst: index of the sample with the largest error.
        other: index of a sample with another top-1; None if there is none.
    """

    name: str
    samples: int
    maximum_error: float
    mean_error: float
    range: float
    relative_error: float
    top1: float | None
    worst: int
    other: int | None

    @classmethod
    def of(cls, name: str, made: Reals, real: npt.NDArray[Any]) -> OutputFidelity:
        """From the circuit's and the model's values, both of shape (samples, ...)."""
        exact = real.dtype.kind in "iub"
        real = real.astype(np.float64)
        error = np.abs(made - real)
        span = value_range(real)
        largest = float(error.max())
        top1, other = None, None
        if exact:
            relative = float((error > 0).mean())
        else:
            relative = largest / span if span else float(largest > 0)
            if real.ndim > 1 and real.shape[-1] > 1:
                lost = _another_answer(made, real).reshape(len(real), -1)
                top1 = 1.0 - float(lost.mean())
                other = int(lost.any(1).argmax()) if lost.any() else None
        return cls(
            name=name,
            samples=len(real),
            maximum_error=largest,
            mean_error=float(error.mean()),
            range=span,
            relative_error=relative,
            top1=top1,
            worst=int(error.reshape(len(real), -1).max(1).argmax()),
            other=other,
        )

    @property
    def needed(self) -> float:
        """The smallest tolerance that accepts the output."""
        return max(self.relative_error, 0.0 if self.top1 is None else 1.0 - self.top1)

    def problem(self, tolerance: float) -> str | None:
        """Why the output is off by more than ``tolerance``; None if it is not."""
        said = f"the tolerance is {100 * tolerance:.3g} %"
        if self.relative_error > tolerance:
            return (
                f"output {self.name!r} is off by {self.maximum_error:.3g}, "
                f"{100 * self.relative_error:.3g} % of its range ({said})"
            )
        if self.top1 is not None and 1.0 - self.top1 > tolerance:
            return (
                f"output {self.name!r} has its largest entry at another place in "
                f"{100 * (1 - self.top1):.3g} % of its rows ({said})"
            )
        return None

    def example(self, tolerance: float) -> int:
        """Index of a sample that shows the :meth:`problem`."""
        return self.worst if self.relative_error > tolerance else self.other or 0

    def off(self, made: npt.NDArray[Any], real: npt.NDArray[Any], tolerance: float) -> bool:
        """Whether ``made`` has the :meth:`problem` on one sample; ``real`` is the float output."""
        made, exact = made.astype(np.float64), real.dtype.kind in "iub"
        real = real.astype(np.float64)
        error = float(np.abs(made - real).max())
        if not self.relative_error > tolerance:
            return bool(_another_answer(made[None], real[None]).any())
        return not error <= (0.0 if exact else tolerance * self.range)  # NaN is off


@dataclass(frozen=True)
class Fidelity:
    """Errors of the circuit against the float model, over some inputs.

    Attributes:
        samples: how many inputs.
        outputs: errors of each output by itself.
        scales: log2 of the units of inputs and outputs.
        bits: for each range-checked tensor, by the ONNX node that makes it, the bits that its
            values used, sign included, and the bits that it has.
    """

    samples: int
    outputs: tuple[OutputFidelity, ...]
    scales: tuple[int, ...]
    bits: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def maximum_error(self) -> float:
        """Of the output with the largest absolute error."""
        return max(output.maximum_error for output in self.outputs)

    @property
    def mean_error(self) -> float:
        """Of the output with the largest mean absolute error."""
        return max(output.mean_error for output in self.outputs)

    @property
    def relative_error(self) -> float:
        """Of the output that is worst, as a share of its range."""
        return max(output.relative_error for output in self.outputs)

    @property
    def top1(self) -> float | None:
        """Of the output that is worst; None if top-1 means nothing for any of them."""
        return min((o.top1 for o in self.outputs if o.top1 is not None), default=None)

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
        InputError: an input beyond the calibrated range, or on which the model is not finite.
        UnsupportedError: an output of another shape than the model declares.
    """
    if not data:
        raise UsageError("Fidelity is measured on at least one input.")
    expected = [model.run(sample) for sample in data]
    parts: list[list[Reals]] = []
    used: dict[int, int] = {}
    for values in _runs(graph, data):
        parts.append([_reals(graph, node, values) for node in graph.outputs])
        _count_bits(graph, values, used)
    outputs = []
    for position, (name, shape) in enumerate(
        zip(graph.output_names, graph.output_shapes, strict=True)
    ):
        made = np.concatenate([part[position] for part in parts]).reshape(len(data), *shape)
        real = np.stack([declared(name, shape, one[position]) for one in expected])
        outputs.append(OutputFidelity.of(name, made, real))
    return Fidelity(
        samples=len(data),
        outputs=tuple(outputs),
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


def tolerance_of(value: Any) -> float:
    """The compile option ``tolerance``: a number from 0 to 1.

    Raises:
        UsageError: anything else; NaN would accept every circuit.
    """
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise UsageError(
            f"tolerance is a number from 0 to 1, the part of an output's range that an error may "
            f"be, not {shown(value)}.",
            hint=f"The default is {DEFAULT_TOLERANCE}, one per cent is 0.01.",
        )
    return abs(float(value))  # -0.0 is 0


def value_range(real: npt.NDArray[Any]) -> float:
    """What errors of an output are a share of; see :class:`OutputFidelity`."""
    span, largest = float(real.max() - real.min()), float(np.abs(real).max())
    return span if span > NOISE * largest else largest


def declared(name: str, shape: Sequence[int], array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An output in the shape that the model declares, which files get wrong: [1, 1] for [1].

    Raises:
        UnsupportedError: the declared shape is not :func:`same_axes`.
    """
    if not same_axes(shape, array.shape):
        raise UnsupportedError(
            f"Output {name!r} is declared with shape {list(shape)}, and has {list(array.shape)}.",
            hint="Export the model again: its outputs' shapes have to be right.",
        )
    return array.reshape(tuple(shape))


def same_axes(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes are equal but for axes of length 1 that one of them has more.

    [1] and [1, 1], or [3] and [1, 3], name the same entries. An axis that moved does not: [1, 3]
    and [3, 1], any more than [2, 3] and [3, 2].
    """
    short, long = sorted((list(one), list(other)), key=len)
    rest = iter(long)
    return all(length in rest for length in short) and math.prod(one) == math.prod(other)


def _another_answer(made: Reals, real: Reals) -> npt.NDArray[np.bool_]:
    """Rows along the last axis in which the circuit's largest entry is not the model's.

    Ties, and rows that are weak beside others of their sample, have no answer to lose.
    """
    best, least = real.max(-1), real.min(-1)
    chosen = np.take_along_axis(real, made.argmax(-1)[..., None], -1)[..., 0]
    tie = np.maximum(TIE * np.minimum(1.0, best - least), NOISE * np.abs(real).max(-1))
    flat = real.reshape(len(real), -1)
    sample = (flat.max(1) - flat.min(1)).reshape(-1, *(1,) * (best.ndim - 1))
    return np.asarray((best - chosen > tie) & (best - least >= WEAK * sample))


def _runs(
    graph: IntegerGraph, data: Sequence[tuple[npt.NDArray[Any], ...]]
) -> Iterator[list[Integers]]:
    """The values of all nodes, a chunk of inputs at a time."""
    for start in range(0, len(data), CHUNK):
        chunk = data[start : start + CHUNK]
        batches = [np.stack([sample[i] for sample in chunk]) for i in range(len(graph.inputs))]
        yield run(graph, quantise_inputs(graph, batches), batch=True)


def _reals(graph: IntegerGraph, node: int, values: Sequence[Integers]) -> Reals:
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
