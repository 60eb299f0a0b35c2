"""The integer graph: a model as a function on integers, in ten operations.

Every tensor is an int64 array with static bounds; a value ``v`` stands for ``v / 2**scale``.
The graph describes *one* inference. A batch adds a leading axis to every tensor that depends on an
input (``batched``), and changes nothing else.

===============  =====================================================================  =========
operation        value                                                                  committed
===============  =====================================================================  =========
``Input``        what the caller gives, quantised                                       yes
``Weight``       a constant of the model                                                yes
``View``         a static index map: transpose, slice, pad, expand, unfold, gather      no
``Reshape``      the same elements in row-major order                                   no
``Gather``       rows of a weight, by integers that the caller gives                    no
``Linear``       ``offset + sum coefficient * tensor``, all of one shape                no
``Einsum``       ``sum over the contracted axes of left * right``                       no
``Requantise``   ``floor((x + half) / 2**shift)``, range-checked                        yes
``Maximum``      the largest along some axes, and a constant if given                   yes
``Lookup``       ``table[x - first]``                                                   yes
===============  =====================================================================  =========

What is not committed costs a proof nothing but claim weights (``docs/protocol.md``, "Claims").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from verifai.verifier.native.table import Affine as Affine
from verifai.verifier.native.table import Einsum as Einsum
from verifai.verifier.native.table import Gather as Gather
from verifai.verifier.native.table import Indices as Indices
from verifai.verifier.native.table import Linear as Linear
from verifai.verifier.native.table import Reshape as Reshape
from verifai.verifier.native.table import View as View
from verifai.verifier.native.table import operands

Integers: TypeAlias = npt.NDArray[np.int64]

#: No tensor of a graph may leave this range: int64 holds every sum of two of its values.
MAX_ABSOLUTE: Final = 1 << 62
#: Widest range-checked value, in bits.
MAX_RANGED_BITS: Final = 32
#: Requantisations shift by fewer bits: ``half`` and an accumulator together stay below 2^63.
MAX_SHIFT: Final = 62
#: Most elements that one :class:`Maximum` reduces, its constant not counted.
MAX_MAXIMUM: Final = 4
#: Most entries of one table.
MAX_TABLE: Final = 1 << 16


@dataclass(frozen=True)
class Input:
    """The model's input number ``position``: a range-checked tensor."""

    position: int


@dataclass(frozen=True, eq=False)
class Weight:
    """A constant of the model, shaped as the node; as read from a file, in a narrow dtype."""

    values: Integers


@dataclass(frozen=True)
class Requantise:
    """``floor((x + half) / 2**shift)`` with ``half = 2**(shift-1)`` (0 for ``floor`` or shift 0).

    The node's bounds span exactly ``2**bits`` values, bits <= MAX_RANGED_BITS; leaving them is an
    error of the run, never a wrap.
    """

    source: int
    shift: int
    floor: bool = False

    @property
    def half(self) -> int:
        """What is added before the shift."""
        return 0 if self.floor or not self.shift else 1 << self.shift - 1


@dataclass(frozen=True)
class Maximum:
    """The largest element along ``axes`` (dropped from the shape), and ``floor`` if it is not None.

    The axes hold at most MAX_MAXIMUM elements in all; ReLU is ``axes=(), floor=0``.
    """

    source: int
    axes: tuple[int, ...]
    floor: int | None = None


@dataclass(frozen=True)
class Lookup:
    """``tables[table].outputs[x - first]``; an x outside the table is an error of the run."""

    source: int
    table: int


Operation: TypeAlias = (
    Input | Weight | View | Reshape | Gather | Linear | Einsum | Requantise | Maximum | Lookup
)


@dataclass(frozen=True, eq=False)
class Table:
    """A function on ``first <= x < first + len(outputs)``."""

    first: int
    outputs: Integers

    @property
    def last(self) -> int:
        """The last integer on which it is defined."""
        return self.first + len(self.outputs) - 1


@dataclass(frozen=True, eq=False)
class Node:
    """One operation and the tensor it makes.

    Attributes:
        operation: refers to earlier nodes by index.
        shape: of one inference, without the batch axis.
        low, high: static bounds, both included.
        scale: a value v stands for v / 2**scale.
        batched: whether the tensor depends on an input.
        name: the ONNX node it comes from, for messages.
    """

    operation: Operation
    shape: tuple[int, ...]
    low: int
    high: int
    scale: int
    batched: bool
    name: str


@dataclass(frozen=True, repr=False, eq=False)
class Graph:
    """A model as a function on integers.

    Attributes:
        nodes: in the order of evaluation.
        inputs, outputs: nodes, in the model's order.
        tables: what lookups look into.
        input_names, output_names: ONNX names.
        input_shapes, output_shapes: the model's shapes.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    tables: tuple[Table, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    input_shapes: tuple[tuple[int, ...], ...] = field(default=())
    output_shapes: tuple[tuple[int, ...], ...] = field(default=())


def sources(operation: Operation) -> tuple[int, ...]:
    """The nodes that an operation reads."""
    if isinstance(operation, (Requantise, Maximum, Lookup)):
        return (operation.source,)
    return () if isinstance(operation, (Input, Weight)) else operands(operation)
