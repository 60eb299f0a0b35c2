"""A graph that computes what the model does, or an error that says where it does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy.typing as npt

from verifai.errors import InputError, UnsupportedError
from verifai.graph import Fidelity, IntegerGraph, Options, Place, build, fidelity, locate
from verifai.graph.fidelity import OutputFidelity, declared
from verifai.model import Model
from verifai.progress import Progress

#: Of so many inputs and more, one in HELD_OUT is kept from calibration, for the measurement.
ENOUGH: Final = 20
HELD_OUT: Final = 5

_HINT: Final = (
    "All values of a tensor share one scale of 16 bits: keep them alike in size (in a mask, -50 "
    "hides as well as -1e9), and do not subtract what is nearly equal."
)

Samples = Sequence[tuple[npt.NDArray[Any], ...]]


@dataclass(frozen=True)
class Faithful:
    """A graph within the tolerance.

    Attributes:
        graph: of the model.
        seen: errors on the inputs that it was calibrated with.
        unseen: errors on inputs that were held out; None where there are too few inputs.
    """

    graph: IntegerGraph
    seen: Fidelity
    unseen: Fidelity | None

    @property
    def relative_error(self) -> float:
        """The larger of both, as a share of an output's range."""
        return max(part.relative_error for part in self._parts())

    @property
    def maximum_error(self) -> float:
        """The larger of both, absolute."""
        return max(part.maximum_error for part in self._parts())

    @property
    def top1(self) -> float | None:
        """The smaller of both agreements."""
        return min((part.top1 for part in self._parts() if part.top1 is not None), default=None)

    @property
    def measured_on(self) -> str:
        """In words."""
        if self.unseen is None:
            return f"{self.seen.samples} inputs, all of which calibration saw"
        return f"{self.seen.samples + self.unseen.samples} inputs, {self.unseen.samples} held out"

    def _parts(self) -> list[Fidelity]:
        return [self.seen] if self.unseen is None else [self.seen, self.unseen]


def faithful(
    model: Model, samples: Samples, options: Options, tolerance: float, progress: Progress
) -> Faithful:
    """Build a graph and hold it to the model, on held-out inputs too if there are enough.

    Raises:
        UnsupportedError: it differs from the model by more than ``tolerance``; the message names
            the output and the node where precision is lost. Or as :func:`verifai.graph.build`.
        InputError: as :func:`verifai.graph.build`.
    """
    # what saturates does not show that it leaves the range of the others: see below
    calibration, held_out = (samples, []) if options.saturate else split(samples)
    try:
        return _measured(model, calibration, held_out, options, tolerance, progress)
    except InputError:
        if not held_out:
            raise
    # an input that was held out leaves the range of the others: all have to be provable
    return _measured(model, samples, [], options, tolerance, progress)


def split(samples: Samples) -> tuple[Samples, Samples]:
    """Inputs to calibrate with, and inputs that are held out: every fifth of twenty or more."""
    if len(samples) < ENOUGH:
        return samples, []
    places = range(len(samples))
    return (
        [samples[i] for i in places if (i + 1) % HELD_OUT],
        [samples[i] for i in places if not (i + 1) % HELD_OUT],
    )


def _measured(
    model: Model,
    calibration: Samples,
    held_out: Samples,
    options: Options,
    tolerance: float,
    progress: Progress,
) -> Faithful:
    graph = build(model, calibration, options)
    progress.stage("comparing with the model")
    parts = [data for data in (calibration, held_out) if data]
    found = [_compared(graph, model, data, held_out=data is held_out) for data in parts]
    # the output that is furthest off, where several are
    output, position, data = max(
        (
            (output, position, data)
            for measured, data in zip(found, parts, strict=True)
            for position, output in enumerate(measured.outputs)
        ),
        key=lambda each: each[0].needed,
    )
    if problem := output.problem(tolerance):
        progress.stage("finding where precision is lost")
        place = _place(model, calibration, options, tolerance, data, position, output)
        raise _refusal(f"{problem}, on {len(data)} inputs", place, output, tolerance)
    return Faithful(graph, found[0], found[1] if held_out else None)


def _compared(graph: IntegerGraph, model: Model, data: Samples, *, held_out: bool) -> Fidelity:
    try:
        return fidelity(graph, model, data)
    except InputError as error:
        if held_out:
            raise
        raise UnsupportedError(
            f"The circuit cannot run what it was calibrated with: {error.message}",
            hint=_HINT,
            **error.details,
        ) from None


def _place(
    model: Model,
    calibration: Samples,
    options: Options,
    tolerance: float,
    data: Samples,
    position: int,
    output: OutputFidelity,
) -> Place | None:
    sample, shape = data[output.example(tolerance)], model.outputs[position].shape
    real = declared(output.name, shape, model.run(sample)[position])

    def off(made: npt.NDArray[Any]) -> bool:
        return output.off(made.reshape(shape), real, tolerance)

    return locate(model, calibration, options, sample, off, position)


def _refusal(
    problem: str, place: Place | None, output: OutputFidelity, tolerance: float
) -> UnsupportedError:
    enough = math.ceil(100 * output.needed) / 100
    return UnsupportedError(
        f"The circuit differs from the model: {problem}."
        + (f" Precision is lost at {place}." if place else ""),
        hint=f"{_HINT} Or accept the error: NativeOptions(tolerance={enough}), "
        f"--tolerance {enough}."
        if enough <= 1
        else _HINT,
        output=output.name,
        relative_error=output.relative_error,
        top1_agreement=output.top1,
        tolerance=tolerance,
        **({} if place is None else {"node": place.node, "operator": place.operator}),
    )
