"""ONNX nodes -> integer nodes: the state of one lowering, and the table of operators.

A tensor of the model is either *folded* (a constant that lowering knows) or a
:class:`~verifai.graph.builder.Tensor`. Products and sums stay exact accumulators, virtual and free,
until something needs a small number: :meth:`Lowering.settled` then requantises once, to the scale
that calibration chose for that tensor.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.errors import UnsupportedError, UsageError, shown
from verifai.graph.builder import Builder, Tensor, rounded
from verifai.graph.dequantised import Dequantised, DequantisedConstant
from verifai.graph.integer import MAX_RANGED_BITS
from verifai.model import OnnxNode as OnnxNode

Array = npt.NDArray[Any]

#: Bits of weights that may be asked for, sign included.
WEIGHT_BITS: Final = range(4, 17)
ACTIVATION_BITS: Final = range(6, 17)
#: log2 of the inverse unit of an input.
INPUT_SCALES: Final = range(-40, 31)
#: Head-room beyond the calibrated range, in bits.
HEAD_ROOM: Final = 1
#: Scales of activations: the finest is what values of 2e-14 need in 16 bits, as untrained networks
#: have them, and near what a statement can state of an output (64).
MIN_SCALE: Final = -40
MAX_SCALE: Final = 60
#: Scales of weights; an accumulator's is at most MAX_SCALE + ACCUMULATOR_GUARD all the same.
MAX_WEIGHT_SCALE: Final = 48
#: Fraction bits of an accumulator beyond those of the activation it becomes.
ACCUMULATOR_GUARD: Final = 24
#: Accumulators that would be wider when something is added to them are requantised before.
ACCUMULATOR_BITS: Final = 60
#: Bits, sign included, that the largest weight of every output channel has.
CHANNEL_BITS: Final = 12
#: By how many bits weights grow at most to that end.
CHANNEL_GROWTH: Final = 12
_FLOAT: Final = np.dtype(np.float32)
#: Saturated values have at most so many bits before they are clipped.
SATURATED_BITS: Final = 24
#: Bytes of the integer types that a result is held to before something reads it.
NARROW_BYTES: Final = 2
#: Biases and other addends fit into 32-bit weights.
MAX_ADDEND: Final = (1 << 31) - 1


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a model is quantised.

    Attributes:
        activation_bits: of inputs, outputs and everything requantised, sign included.
        weight_bits: of weights, sign included.
        saturate: clip what nodes compute to the calibrated range, instead of refusing the input.
            Inputs are never changed: a statement is about the input that was given.
        input_scales: log2 of the units of inputs, by name, in place of calibrated ones: an input
            that is another circuit's output has that output's scale.
        shown_inputs: names of the inputs that statements show, which :meth:`showing_inputs` says:
            ids are then looked up as such.
    """

    activation_bits: int = 16
    weight_bits: int = 15
    saturate: bool = False
    input_scales: Mapping[str, int] = field(default_factory=dict)
    shown_inputs: frozenset[str] = field(default=frozenset(), init=False, repr=False)

    def showing_inputs(self, names: Iterable[str]) -> Options:
        """These options, for a circuit of which these inputs are public."""
        made = copy(self)
        object.__setattr__(made, "shown_inputs", frozenset(names))
        return made

    def __post_init__(self) -> None:
        for name, allowed in {
            "activation_bits": ACTIVATION_BITS,
            "weight_bits": WEIGHT_BITS,
        }.items():
            value = getattr(self, name)
            if type(value) is not int or value not in allowed:
                raise UsageError(
                    f"{name} is {allowed.start} to {allowed.stop - 1}, not {shown(value)}."
                )
        if type(self.saturate) is not bool:
            raise UsageError(f"saturate is True or False, not {shown(self.saturate)}.")
        if not isinstance(self.input_scales, Mapping) or not all(
            isinstance(name, str) and type(scale) is int and scale in INPUT_SCALES
            for name, scale in self.input_scales.items()
        ):
            raise UsageError(
                f"input_scales is a dict of names and integers from {INPUT_SCALES.start} to "
                f"{INPUT_SCALES.stop - 1}, not {shown(self.input_scales)}."
            )


@dataclass
class Lowering:
    """State of one lowering.

    Attributes:
        ranges: smallest and largest value seen of each tensor in calibration.
        kinds: element types of tensors, as calibration saw them.
        shapes: of tensors, as calibration saw them.
        folded: tensors whose values are known.
        literals: folded tensors that the model's graph states, like the 0.5 of an expression. All
            others may be learned, and become weights wherever a lowering need not know them.
        tensors: tensors of the integer graph.
        finer: bits that a tensor has beyond ``activation_bits`` where :meth:`fine` reads it.
        wide: nodes whose tensors products read as they are, though they have more bits.
        dequantised, dequantised_constants: integers times known factors, of int8 models.
        uses: how often each tensor is read, by nodes and as an output.
        producers: the node that makes each tensor.
        fine_inputs: inputs whose columns are compared or scaled, each with the scale at which all
            its calibration data are integers: they keep bits that other tensors do not have.
        exact_inputs: those of them that have such a scale.
        copies: how many tensors share a tensor's range, being the same in other steps.
        binary: inputs that are held to zeros and ones.
    """

    options: Options
    ranges: Mapping[str, tuple[float, float]]
    opset: int
    kinds: Mapping[str, np.dtype[Any]] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    folded: dict[str, Array] = field(default_factory=dict)
    literals: set[str] = field(default_factory=set)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    finer: dict[str, int] = field(default_factory=dict)
    wide: set[int] = field(default_factory=set)
    dequantised: dict[str, Dequantised] = field(default_factory=dict)
    dequantised_constants: dict[str, DequantisedConstant] = field(default_factory=dict)
    uses: Counter[str] = field(default_factory=Counter)
    producers: dict[str, OnnxNode] = field(default_factory=dict)
    fine_inputs: dict[str, int] = field(default_factory=dict)
    exact_inputs: set[str] = field(default_factory=set)
    copies: Mapping[str, int] = field(default_factory=dict)
    binary: frozenset[str] = frozenset()
    builder: Builder = field(default_factory=Builder)
    _settled: dict[int, Tensor] = field(default_factory=dict)
    _weights: dict[tuple[str | None, int, tuple[int, ...]], Tensor] = field(default_factory=dict)

    # -- what operators read

    def constant(self, node: OnnxNode, position: int) -> Array | None:
        """An input's values if they are known, None if it is absent or computed."""
        if position >= len(node.inputs) or not node.inputs[position]:
            return None
        return self.folded.get(node.inputs[position])

    def known(self, node: OnnxNode, position: int, what: str) -> Array:
        """An input that has to be known.

        Raises:
            UnsupportedError: it is computed.
        """
        found = self.constant(node, position)
        if found is None:
            raise UnsupportedError(f"{what} is computed by the model, it has to be constant")
        return found

    def integers(
        self, node: OnnxNode, position: int, name: str, default: Iterable[int] = ()
    ) -> list[int]:
        """Known integers: an input, in old operator sets an attribute of this name.

        Raises:
            UnsupportedError: they are computed.
        """
        if self.has(node, position):
            return [int(value) for value in self.known(node, position, name).reshape(-1)]
        return [int(value) for value in node.attributes.get(name, default)]

    def literal(self, node: OnnxNode, position: int) -> bool:
        """Whether an input is a constant that a key may show."""
        return node.inputs[position] in self.literals

    def kind(self, name: str) -> np.dtype[Any]:
        """The element type of a tensor; float32 where calibration did not see it."""
        return self.folded[name].dtype if name in self.folded else self.kinds.get(name, _FLOAT)

    def shape(self, name: str) -> tuple[int, ...]:
        """Of a tensor that is known, lowered or dequantised."""
        for found in (self.tensors, self.dequantised, self.folded):
            if name in found:
                return tuple(found[name].shape)
        raise KeyError(name)

    def has(self, node: OnnxNode, position: int) -> bool:
        """Whether an optional input is there."""
        return position < len(node.inputs) and bool(node.inputs[position])

    def exact(self, node: OnnxNode, position: int) -> Tensor:
        """An input as it is, accumulators included; constants become weights."""
        return self.tensor(node.inputs[position])

    def tensor(self, name: str) -> Tensor:
        """A tensor of the model as it is; constants become weights."""
        if name in self.folded:
            return self.weights(self.folded[name], source=name)
        return self.tensors[name]

    def small(self, node: OnnxNode, position: int) -> Tensor:
        """An input as a number of at most ``activation_bits`` bits, an integer of ONNX as it is, of
        at most MAX_RANGED_BITS bits, and so a fine input; a constant as a weight.
        """
        name = node.inputs[position]
        if name in self.folded:  # weights have bits of their own, and no calibrated range
            return self.weights(self.folded[name], source=name)
        if name in self.fine_inputs:
            return self.tensors[name]
        result = self.settled(self.tensors[name], name)
        if name not in self.finer:  # others read more of it
            self.tensors[name] = result
        return result

    def fine(self, node: OnnxNode, position: int) -> Tensor:
        """As :meth:`small`, in the bits of :attr:`finer`: for sums and products."""
        name = node.inputs[position]
        if name in self.folded or name not in self.finer:
            return self.small(node, position)
        x, bits = self.tensors[name], self.options.activation_bits + self.finer[name]
        if x.open or x.bits > bits:
            shift = max(0, x.scale - self.scale(name) - self.finer[name])
            self.tensors[name] = self._requantised(x, shift, bits)
        return self.tensors[name]

    def factor(self, node: OnnxNode, position: int) -> Tensor:
        """An input of a product: as :meth:`fine`, and :attr:`wide` as they are."""
        x = self.tensors.get(node.inputs[position])
        return x if x and x.node in self.wide else self.fine(node, position)

    # -- quantisation

    def scale(self, name: str) -> int:
        """The scale of an activation: the calibrated range with head-room fills its bits."""
        low, high = self.ranges.get(name, (0.0, 0.0))
        return self.scale_of(max(abs(low), abs(high)))

    def scale_of(self, largest: float, bits: int | None = None) -> int:
        """The scale of values up to ``largest`` in absolute value, with head-room, in so many bits
        (None: ``activation_bits``).
        """
        room = (bits or self.options.activation_bits) - 1 - HEAD_ROOM
        if largest == 0:
            return room
        return max(MIN_SCALE, min(MAX_SCALE, room - math.ceil(math.log2(largest) + 1e-9)))

    def weight_scale(self, values: Array, most: int = MAX_WEIGHT_SCALE) -> int:
        """The largest scale, up to ``most``, at which the weights fit their bits."""
        largest = float(np.abs(values).max()) if values.size else 0.0
        if largest == 0:
            return 0
        limit = (1 << self.options.weight_bits - 1) - 1
        scale = math.floor(math.log2(limit / largest))
        return min(most, scale)

    def weights(
        self, values: Array, most: int = MAX_WEIGHT_SCALE, source: str | None = None
    ) -> Tensor:
        """Constants of the model as weights, at a scale of at most ``most``; integers exactly.

        ``source`` is the constant's name, if these are its values: read again, it is the same
        weights. (Equal values are not: a key would show which of a model's constants are equal.)

        Raises:
            UnsupportedError: they are not finite, or integers beyond 32 bits.
        """
        if is_whole(values.dtype):
            tensor = self.builder.weight(_within_32_bits(values), 0)
            if values.dtype.kind == "i":
                return tensor
            return self.builder.bounded(tensor, 0, 1 if values.dtype.kind == "b" else tensor.high)
        values = _finite(values)
        return self._weight(values, self.weight_scale(values, most), source)

    def _weight(self, values: Array, scale: int, source: str | None) -> Tensor:
        key = source, scale, values.shape
        if source is None:
            return self.builder.weight(rounded(values, scale), scale)
        if key not in self._weights:
            self._weights[key] = self.builder.weight(rounded(values, scale), scale)
        return self._weights[key]

    def factors(
        self,
        values: Array,
        x: Tensor,
        name: str,
        channels: Sequence[int] | None = None,
        source: str | None = None,
    ) -> Tensor:
        """Weights that ``x`` is multiplied with to make tensor ``name``: no finer than it needs.

        ``source`` is as for :meth:`weights`.

        ``channels`` are the axes of output channels. Where the largest weight of a channel would
        have less than :data:`CHANNEL_BITS` bits, all weights get up to :data:`CHANNEL_GROWTH` more:
        that is what scales per channel come to once the channels' sums are brought to one scale,
        and weights take up no more room in a proof for being larger. Integers are weights as they
        are.
        """
        if is_whole(values.dtype):
            return self.weights(values)
        values = _finite(values)
        scale = self.weight_scale(values)
        if channels is not None:
            rest = tuple(axis for axis in range(values.ndim) if axis not in channels)
            each = np.abs(values).max(axis=rest)
            if each.any():
                weakest = float(each[each > 0].min())
                bits = min(CHANNEL_BITS, self.options.weight_bits)
                wanted = math.floor(math.log2((1 << bits - 1) - 1) - math.log2(weakest))
                scale = max(scale, min(wanted, scale + CHANNEL_GROWTH))
        # a wide input has columns of different size, and so have their weights
        wide = max(0, min(x.bits, MAX_RANGED_BITS - 1) - self.options.activation_bits)
        most = self.scale(name) + ACCUMULATOR_GUARD + wide - x.scale
        largest = float(np.abs(values).max()) or 1.0
        fits = math.floor(math.log2(MAX_ADDEND / largest))
        scale = min(scale + wide, MAX_WEIGHT_SCALE, most, fits)
        return self._weight(values, scale, source)

    def addend(self, values: Array, scale: int) -> Tensor:
        """Constants to be added at ``scale``: 32-bit weights times a power of two."""
        if is_whole(values.dtype) and scale >= 0:
            return self.rescaled(self.weights(values), scale)
        values = _finite(values)
        own = scale
        largest = float(np.abs(values).max()) if values.size else 0.0
        while largest * 2.0**own > MAX_ADDEND:
            own -= 1
        tensor = self.builder.weight(rounded(values, own), own)
        return self.rescaled(tensor, scale)

    def rescaled(self, x: Tensor, scale: int) -> Tensor:
        """The same reals at a finer scale: exact."""
        if x.scale == scale:
            return x
        assert scale > x.scale
        return self.builder.linear([(1 << scale - x.scale, x)], 0, scale)

    def aligned(self, tensors: Sequence[Tensor], most: int | None = None) -> list[Tensor]:
        """Closed tensors at one scale: the finest at which none has more than ``most`` bits.

        A tensor of a finer scale is rounded to it. ``most`` is activation_bits + 4 by default.
        Where all have one scale nothing is done.
        """
        if len({x.scale for x in tensors}) == 1:
            return list(tensors)
        room = self.options.activation_bits + 4 if most is None else most
        scale = max(x.scale for x in tensors)
        while any(x.bits + scale - x.scale > room for x in tensors):
            scale -= 1
        return [
            self.rescaled(x, scale)
            if x.scale <= scale
            else self.builder.requantise(x, x.scale - scale, x.bits)
            for x in tensors
        ]

    def settled(self, x: Tensor, name: str, *, force: bool = False) -> Tensor:
        """``x`` in at most ``activation_bits`` bits, at the scale calibrated for ``name``; an
        integer of ONNX exactly, at scale 0.
        """
        if is_whole(self.kind(name)):
            return self._whole(x)
        bits = self.options.activation_bits
        if not x.open and x.bits <= bits and not force:
            return x
        if x.node in self._settled:
            return self._settled[x.node]
        result = self._requantised(x, max(0, x.scale - self._calibrated(x, name)), bits)
        self._settled[x.node] = result
        return result

    def _requantised(self, x: Tensor, shift: int, bits: int) -> Tensor:
        reader = self.builder.name
        self.builder.name = self.builder.nodes[x.node].name  # an overflow names who made the value
        if self.options.saturate:
            result = self._saturated(x, shift, bits)
        else:
            result = self.builder.requantise(x, shift, bits)
        self.builder.name = reader
        return result

    def _whole(self, x: Tensor) -> Tensor:
        """An integer of ONNX at scale 0, in at most MAX_RANGED_BITS bits. ``x`` is a multiple of
        one, whatever its scale: it was computed exactly.
        """
        x = self.rescaled(x, max(x.scale, 0))
        if not x.open and x.scale == 0 and x.bits <= MAX_RANGED_BITS:
            return x
        if x.node not in self._settled:
            bits = min(MAX_RANGED_BITS, max(1, x.bits - x.scale))
            self._settled[x.node] = self.builder.requantise(x, x.scale, bits)
        return self._settled[x.node]

    def ranged(self, x: Tensor, name: str) -> Tensor:
        """``x`` within the integer type of tensor ``name``: integers of ONNX wrap around, those of
        a circuit do not, and a run refuses what leaves an element type of at most 16 bits.

        Wider ones end at MAX_RANGED_BITS bits (see :meth:`settled`), those without a sign at 0 too.
        """
        kind = self.kind(name)
        if kind.kind == "u" and kind.itemsize > NARROW_BYTES and x.low < 0:
            x = self.rescaled(x, max(x.scale, 0))
            bits = min(MAX_RANGED_BITS, max(1, (x.high >> x.scale).bit_length()))
            return self.builder.requantise(x, x.scale, bits, low=0)
        if kind.kind not in "iu" or kind.itemsize > NARROW_BYTES:
            return x
        limits, unit = np.iinfo(kind), 2.0**-x.scale
        if x.low * unit >= limits.min and x.high * unit <= limits.max:
            return x
        x = self.rescaled(x, max(x.scale, 0))
        return self.builder.requantise(x, x.scale, limits.bits, low=int(limits.min))

    def _calibrated(self, x: Tensor, name: str) -> int:
        """The scale at which ``x`` is requantised: that of the calibrated range of ``name``.

        Where calibration saw nothing but zeros (a product may be too small for float32) it is the
        finest at which every possible value fits.
        """
        scale = self.scale(name)
        if any(self.ranges.get(name, (0.0, 0.0))):
            return scale
        room = max(0, x.bits - self.options.activation_bits)
        return max(scale, min(MAX_SCALE, x.scale - room))

    def _saturated(self, x: Tensor, shift: int, bits: int) -> Tensor:
        """Requantised into as many bits as the static bounds need, or there are, then clipped."""
        wide = max(bits, min(SATURATED_BITS, x.bits - shift + 1))
        build = self.builder
        high = (1 << bits - 1) - 1
        y = build.maximum(build.requantise(x, shift, wide), [], -high)
        return build.negative(build.maximum(build.negative(y), [], -high))


def _finite(values: Array) -> npt.NDArray[np.float64]:
    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise UnsupportedError("a constant holds NaN or infinity")
    return values


def is_whole(kind: np.dtype[Any]) -> bool:
    """Whether an element type of ONNX holds integers or booleans: they are never rounded."""
    return kind.kind in "iub"


def _within_32_bits(values: Array) -> npt.NDArray[np.int64]:
    if values.size and not (int(values.min()) > -(1 << 31) and int(values.max()) < 1 << 31):
        raise UnsupportedError("a constant beyond 32 bits")
    return values.astype(np.int64)


Operator = Callable[[Lowering, OnnxNode], "Tensor | Array | list[Tensor | Array]"]

#: Operators that are exact on integers, as far as these fit an activation: no quotients, means,
#: powers or tables, which round in fixed point and truncate in ONNX.
_INTEGER_OPERATORS: Final = """
    Abs Add Cast CastLike Clip Compress Concat CumSum DepthToSpace Equal Expand
    Flatten Gather GatherElements GatherND Greater GreaterOrEqual Identity Less LessOrEqual
    MatMul Max Min Mul Neg Pad ReduceMax ReduceMin ReduceSum Reshape
    ReverseSequence Scatter ScatterElements ScatterND Shape Size Slice SpaceToDepth Split
    Squeeze Sub Sum Tile Transpose Trilu Unsqueeze Where
"""
INTEGER_OPERATORS: Final = set(_INTEGER_OPERATORS.split())

#: Operators by ONNX name; the modules of ``operators`` fill it.
OPERATORS: Final[dict[str, Operator]] = {}


def operator(*names: str, integers: bool = False) -> Callable[[Operator], Operator]:
    """Registers the lowering of ONNX operators; ``integers`` says that it is exact on them."""

    def register(function: Operator) -> Operator:
        for name in names:
            assert name not in OPERATORS
            OPERATORS[name] = function
        if integers:
            INTEGER_OPERATORS.update(names)
        return function

    return register
