"""What a statement says of one tensor: its integers, a commitment to them, or only its shape."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from verifai.errors import MalformedError, UsageError, shown
from verifai.limits import MAX_INTEGER, MAX_NAME_LENGTH, MAX_PUBLIC_VALUES, MAX_RANK
from verifai.proof.codec import (
    canonical_json,
    exact_fields,
    hex_digest,
    one_of,
    parse_canonical_json,
)
from verifai.proof.plain import to_plain

#: ``public``: the values are in the statement. ``committed``: a commitment to them is.
#: ``private``: the proof shows only that some values of this shape exist.
VISIBILITIES: Final = ("public", "committed", "private")
#: Scales lie between this and its negative.
MAX_SCALE: Final = 64
#: Inputs of a model, and outputs.
MAX_TENSORS: Final = 64


@dataclass(frozen=True)
class TensorSpec:
    """A tensor as the verifying key fixes it: everything but its content.

    Attributes:
        name: the ONNX name.
        shape: static shape.
        scale: fixed point; the real value of integer ``q`` is ``q / 2**scale``. Negative where the
            values are too large to be held in steps of 1: at -3 they are multiples of 8.
        visibility: one of :data:`VISIBILITIES`.
    """

    name: str
    shape: tuple[int, ...]
    scale: int
    visibility: str

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def real(self, integers: Iterable[int]) -> NDArray[np.float64]:
        """Integers of this tensor as float64, in its shape: integers / 2**scale."""
        scale = 2**self.scale  # a division by it is correctly rounded, by an int and by a float
        flat = [integer / scale for integer in integers]
        return np.array(flat, dtype=np.float64).reshape(self.shape)

    @classmethod
    def from_json(cls, value: Any) -> TensorSpec:
        fields = exact_fields(value, ("name", "shape", "scale", "visibility"), "A tensor")
        name, shape, scale = fields["name"], fields["shape"], fields["scale"]
        if not isinstance(name, str) or len(name) > MAX_NAME_LENGTH:
            raise MalformedError("A tensor's name is a string of at most MAX_NAME_LENGTH.")
        if not isinstance(shape, list) or len(shape) > MAX_RANK:
            raise MalformedError(f"Tensor {name!r}: a shape is a list of at most {MAX_RANK} axes.")
        if not all(type(axis) is int and 0 < axis <= MAX_PUBLIC_VALUES for axis in shape):
            raise MalformedError(f"Tensor {name!r}: axes are positive and bounded: {shown(shape)}.")
        if math.prod(shape) > MAX_PUBLIC_VALUES:
            raise MalformedError(f"Tensor {name!r} has more than MAX_PUBLIC_VALUES elements.")
        if type(scale) is not int or abs(scale) > MAX_SCALE:
            raise MalformedError(
                f"Tensor {name!r}: a scale is -{MAX_SCALE} to {MAX_SCALE} bits, not {shown(scale)}."
            )
        return cls(name, tuple(shape), scale, one_of(fields["visibility"], VISIBILITIES, name))


def batched(specs: Sequence[TensorSpec], batch: int | None) -> tuple[TensorSpec, ...]:
    """The specs of ``batch`` inferences, with a leading axis; None: of one, without it."""
    if batch is None:
        return tuple(specs)
    return tuple(replace(spec, shape=(batch, *spec.shape)) for spec in specs)


@dataclass(frozen=True)
class TensorClaim:
    """A :class:`TensorSpec` together with what is claimed of the content.

    Attributes:
        spec: name, shape, scale, visibility.
        integers: the fixed-point values in row-major order, if public.
        commitment: 64 hex characters, if committed.
    """

    spec: TensorSpec
    integers: tuple[int, ...] | None = None
    commitment: str | None = None

    def __post_init__(self) -> None:
        public, committed = self.integers is not None, self.commitment is not None
        wanted = (self.spec.visibility == "public", self.spec.visibility == "committed")
        if (public, committed) != wanted:
            raise MalformedError(
                f"Tensor {self.spec.name!r} is {self.spec.visibility}: it carries values if and "
                "only if it is public, a commitment if and only if it is committed."
            )
        if self.integers is not None:
            if len(self.integers) != self.spec.size:
                raise MalformedError(
                    f"Tensor {self.spec.name!r} has shape {list(self.spec.shape)}, that is "
                    f"{self.spec.size} values; found {len(self.integers)}."
                )
            if not all(type(q) is int and abs(q) <= MAX_INTEGER for q in self.integers):
                raise MalformedError(f"Tensor {self.spec.name!r}: values are bounded integers.")
        if self.commitment is not None:
            hex_digest(self.commitment, f"The commitment of {self.spec.name!r}")

    def plain(self) -> TensorClaim:
        """This claim read again from its encoding: what a caller's subclasses say is left behind.

        Raises:
            MalformedError: no statement can hold it.
        """
        return TensorClaim.from_json(parse_canonical_json(canonical_json(self.to_json())))

    @property
    def name(self) -> str:
        """The ONNX name."""
        return self.spec.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Static shape."""
        return self.spec.shape

    @property
    def values(self) -> NDArray[np.float64]:
        """The public values as float64, in the model's shape: integers / 2**scale.

        Raises:
            UsageError: the tensor is not public.
        """
        if self.integers is None:
            raise UsageError(
                f"Tensor {self.name!r} is {self.spec.visibility}: its values are not disclosed.",
                hint="Compile with a Visibility that makes it public.",
            )
        return self.spec.real(self.integers)

    def to_json(self) -> dict[str, Any]:
        return {
            **to_plain(self.spec),
            "integers": None if self.integers is None else list(self.integers),
            "commitment": self.commitment,
        }

    @classmethod
    def from_json(cls, value: Any) -> TensorClaim:
        names = ("name", "shape", "scale", "visibility", "integers", "commitment")
        fields = exact_fields(value, names, "A tensor claim")
        spec = TensorSpec.from_json({name: fields[name] for name in names[:4]})
        integers = fields["integers"]
        if integers is not None and not isinstance(integers, list):
            raise MalformedError(f"Tensor {spec.name!r}: integers are a list or null.")
        return cls(spec, None if integers is None else tuple(integers), fields["commitment"])


def claims_from_json(value: Any, what: str) -> tuple[TensorClaim, ...]:
    """A non-empty JSON list of claims with distinct names."""
    return _tensors(TensorClaim, value, what)


def specs_from_json(value: Any, what: str) -> tuple[TensorSpec, ...]:
    """A non-empty JSON list of specs with distinct names."""
    return _tensors(TensorSpec, value, what)


def _tensors(kind: Any, value: Any, what: str) -> tuple[Any, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_TENSORS:
        raise MalformedError(f"{what} are a list of 1 to {MAX_TENSORS} tensors.")
    tensors = tuple(kind.from_json(item) for item in value)
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise MalformedError(f"{what} have distinct names.")
    return tensors
