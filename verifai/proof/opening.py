"""What the owner of a committed tensor keeps: its values and what hides them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from verifai.errors import MalformedError
from verifai.limits import MAX_PROOF_BYTES, MAX_RANK
from verifai.proof.artefact import Artefact
from verifai.proof.codec import exact_fields, hex_digest
from verifai.proof.plain import to_plain
from verifai.proof.tensor import TensorSpec

BLINDING_BYTES: Final = 32


@dataclass(frozen=True)
class RowLayout:
    """How a tensor lies in the rows that its commitment is about (``docs/protocol.md``, "Layout").

    Attributes:
        dims: batch axis first.
        outer: axes that are not padded, above those that are.
        offset, limbs: the integers are offset + sum of limbs, of so many bits each.
        log_columns: log2 of the entries of a row.
        srs_id: names the reference string.
    """

    dims: tuple[int, ...]
    outer: tuple[int, ...]
    offset: int
    limbs: tuple[int, ...]
    log_columns: int
    srs_id: str

    @classmethod
    def from_json(cls, value: Any) -> RowLayout:
        """Strict reader; whether the numbers make sense shows when the commitment is made again."""
        found = exact_fields(value, [item.name for item in fields(cls)], "A row layout")
        for name in ("dims", "outer", "limbs"):
            items = found[name]
            if not isinstance(items, list) or len(items) > MAX_RANK + 1:
                raise MalformedError(f"A row layout's {name} are a short list.")
            if not all(type(n) is int and 0 <= n < 1 << 31 for n in items):
                raise MalformedError(f"A row layout's {name} are naturals.")
            found[name] = tuple(items)
        for name in ("offset", "log_columns"):
            if type(found[name]) is not int or abs(found[name]) >= 1 << 31:
                raise MalformedError(f"A row layout's {name} is a small integer.")
        if not 4 <= found["log_columns"] <= 20 or not all(1 <= b <= 8 for b in found["limbs"]):
            raise MalformedError("A row layout has 2^4 to 2^20 columns and limbs of 1 to 8 bits.")
        if len(set(found["outer"])) != len(found["outer"]) or any(
            axis >= len(found["dims"]) for axis in found["outer"]
        ):
            raise MalformedError("A row layout's outer axes are axes of its tensor, each once.")
        hex_digest(found["srs_id"], "srs_id")
        return cls(**found)


@dataclass(frozen=True, repr=False)
class Opening(Artefact):
    """Values and blindings of one committed tensor: **a secret of its owner**.

    With it a later proof takes the tensor as its input under the same commitment, and an auditor
    of the owner's choice can be shown the values (:func:`verifai.verify_opening`). It is in no
    bundle: whoever has it knows the values.

    Attributes:
        spec: as in the statement.
        layout: as committed.
        integers: fixed-point values, row-major.
        blindings: 32 bytes for each row.
    """

    KIND: ClassVar = b"OPEN"
    SECTIONS: ClassVar = 1
    LIMIT: ClassVar = MAX_PROOF_BYTES
    SECRET: ClassVar = True

    spec: TensorSpec
    layout: RowLayout
    integers: tuple[int, ...] = field(repr=False)
    blindings: bytes = field(repr=False)

    @property
    def values(self) -> NDArray[np.float64]:
        """The values as float64: integers / 2**scale."""
        return self.spec.real(self.integers)

    @classmethod
    def _from(cls, header: dict[str, Any], sections: list[memoryview]) -> Opening:
        found = exact_fields(header, ("tensor", "layout", "integers"), "An opening")
        spec, layout = TensorSpec.from_json(found["tensor"]), RowLayout.from_json(found["layout"])
        integers, blindings = found["integers"], bytes(sections[0])
        top = layout.offset + (1 << sum(layout.limbs))
        if not isinstance(integers, list) or len(integers) != spec.size:
            raise MalformedError(f"An opening of {spec.name!r} holds {spec.size} integers.")
        if not all(type(q) is int and layout.offset <= q < top for q in integers):
            raise MalformedError(f"The opening of {spec.name!r} holds a value out of its range.")
        if np.prod(layout.dims, dtype=object) != spec.size or len(blindings) % BLINDING_BYTES:
            raise MalformedError(f"The opening of {spec.name!r} contradicts itself.")
        return cls(spec, layout, tuple(integers), blindings)

    def _header(self) -> dict[str, Any]:
        return {
            "tensor": to_plain(self.spec),
            "layout": to_plain(self.layout),
            "integers": list(self.integers),
        }

    def _sections(self) -> tuple[bytes]:
        return (self.blindings,)

    def __repr__(self) -> str:
        return f"Opening({self.spec.name!r} {list(self.spec.shape)}, secret)"
