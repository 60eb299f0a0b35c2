"""Real numbers that are integers times known factors: what DequantizeLinear makes, kept exact.

In an int8 model every tensor is an integer function of others, and reals appear in between only as
``(q - zero) * scale``. Such a value stays as it is, through products with dequantised weights and
sums, until QuantizeLinear asks for integers again: then the factors, which fixed point could only
approximate, are part of one exact requantisation (:mod:`verifai.graph.rescale`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from verifai.graph.builder import Tensor
from verifai.graph.rescale import SingleSum

Number = TypeVar("Number", int, Fraction)

#: An accumulator times integers at a scale: one for all, or one for each channel, of all channels
#: (None) or of these only.
Times = Callable[[Sequence[int], int, Sequence[int] | None], Tensor]

#: ``accumulator * factor / scale`` as onnxruntime's kernels round it: of accumulators (channels, n)
#: and scales (channels or 1, 1), (channels, n).
Single = Callable[[npt.NDArray[np.int64], npt.NDArray[np.float32]], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Term:
    """``accumulator * factor``.

    Attributes:
        factors: one, or one for each channel; positive.
        low, high: bounds of the accumulator.
        times: makes the accumulator times integers, one for each factor.
        single: how a kernel for integers divides it by a scale; None if there is no such kernel.
        axis: of the accumulator, along which its channels lie, if some can be made without the
            others.
        zero: the zero point that the accumulator is without.
        closed: the accumulator itself, where nothing has to be computed for it.
    """

    factors: tuple[Fraction, ...]
    low: int
    high: int
    times: Times
    single: Single | None = None
    axis: int | None = None
    zero: int = 0
    closed: Tensor | None = None


def multiplied(factors: Sequence[Fraction]) -> Single:
    """A product of int8 tensors: the factor of all is computed first (MLAS, RequantizeOutput)."""
    column = _column(factors)
    return lambda acc, scale: acc.astype(np.float32) * (column / scale)


def divided(factors: Sequence[Fraction]) -> Single:
    """A number in float32 that is quantised: QuantizeLinear divides."""
    column = _column(factors)
    return lambda acc, scale: acc.astype(np.float32) * column / scale


def averaged(factor: Fraction, count: int) -> Single:
    """A sum of ``count`` numbers (MLAS, QLinearGlobalAveragePool)."""
    column = _column([factor])
    return lambda acc, scale: acc.astype(np.float32) * (column / (scale * np.float32(count)))


def summed(terms: Sequence[Term], scale: Fraction, zero: int) -> SingleSum:
    """A sum of quantised tensors, zero points and all (MLAS, QLinearAdd)."""
    ratios = [np.float32(float(term.factors[0])) / np.float32(float(scale)) for term in terms]
    zeros = [np.float32(term.zero) for term in terms]
    fixed = np.float32(zero) - np.float32(sum(r * z for r, z in zip(ratios, zeros, strict=True)))

    def single(accumulators: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.float32]:
        products = [
            (acc + term.zero).astype(np.float32) * ratio
            for acc, term, ratio in zip(accumulators, terms, ratios, strict=True)
        ]
        made: npt.NDArray[np.float32] = sum(products[1:], products[0]) + fixed
        return made

    return single


def _column(factors: Sequence[Fraction]) -> npt.NDArray[np.float32]:
    return np.array([float(factor) for factor in factors], dtype=np.float32)[:, np.newaxis]


@dataclass(frozen=True)
class Dequantised:
    """``clip(sum of terms + offset, least, most)``, in reals.

    Attributes:
        shape: of the tensor.
        terms: at least one; of several each has one factor.
        channels: the shape, broadcast to the accumulator's, that what differs by channel has.
        offsets: one, or one for each channel.
        least, most: where a Relu or Clip cuts; None where it does not.
        integers: ``q - zero``, where that is all there is, with one factor.

    The accumulators have ``shape`` as well, or one that a reshape brings to it.
    """

    shape: tuple[int, ...]
    terms: tuple[Term, ...]
    channels: tuple[int, ...] = ()
    offsets: tuple[Fraction, ...] = (Fraction(0),)
    least: Fraction | None = None
    most: Fraction | None = None
    integers: Tensor | None = None

    @property
    def count(self) -> int:
        """How many channels have factors and offsets of their own."""
        return max(len(self.offsets), *(len(term.factors) for term in self.terms))

    @property
    def cut(self) -> bool:
        """Whether a Relu or Clip is still to be done."""
        return self.least is not None or self.most is not None


@dataclass(frozen=True)
class DequantisedConstant:
    """A constant ``integers * factors``, with one factor or one for each place of ``axis``."""

    integers: npt.NDArray[np.int64]
    factors: tuple[Fraction, ...]
    axis: int

    def per_channel(self, axis: int) -> tuple[Fraction, ...] | None:
        """The factors as those of ``axis``; None if they are another axis'."""
        return self.factors if len(self.factors) == 1 or self.axis == axis else None


def fractions(values: npt.NDArray[np.generic]) -> tuple[Fraction, ...]:
    """Floats as what they are exactly."""
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    return tuple(Fraction(float(value)) for value in flat)


def repeated(values: Sequence[Number], count: int) -> tuple[Number, ...]:
    """One value for each of ``count`` channels."""
    return tuple(values) * count if len(values) == 1 else tuple(values)
