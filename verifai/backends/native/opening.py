"""Commitments of single tensors: made again from an opening, to show or to link them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifai.backends.native.core import core
from verifai.backends.native.keys import strings_of
from verifai.circuit import SRS
from verifai.errors import MalformedError, UsageError, VerificationError
from verifai.proof import Opening, TensorClaim
from verifai.proof.opening import BLINDING_BYTES, RowLayout
from verifai.verifier.native.check import DEVELOPMENT_SRS, srs_id
from verifai.verifier.native.linked import commitment


def verify_opening(opening: Opening, claim: TensorClaim, srs: SRS | None) -> NDArray[np.float64]:
    """See :func:`verifai.verify_opening`."""
    if claim.commitment is None:
        raise UsageError(f"Tensor {claim.name!r} is {claim.spec.visibility}, not committed.")
    if (opening.spec.shape, opening.spec.scale) != (claim.shape, claim.spec.scale):
        raise _refused("its shape or scale is another one")  # a linked tensor has two names
    if commitment_of(opening, srs) != claim.commitment:
        raise _refused("these values and blindings have another commitment")
    return opening.values


def commitment_of(opening: Opening, srs: SRS | None) -> str:
    """The commitment that an opening's values and blindings have, 64 hex characters.

    Raises:
        MalformedError: blindings that are no scalars, or not as many as there are rows.
        UsageError: the reference string is missing, or another one.
    """
    layout, blindings = opening.layout, opening.blindings
    strings = _strings(layout, srs)
    rows = limb_rows(layout, opening.integers)
    if len(blindings) != BLINDING_BYTES * len(rows):
        raise MalformedError(f"{len(rows)} rows have not {len(blindings)} bytes of blindings.")
    try:
        points = b"".join(
            strings.commit(row.astype("<i8").tobytes(), blindings[at : at + BLINDING_BYTES])
            for row, at in zip(rows, range(0, len(blindings), BLINDING_BYTES), strict=True)
        )
    except ValueError as error:
        raise MalformedError(f"The opening's blindings: {error}.") from None
    return commitment(layout, points)


def limb_rows(layout: RowLayout, integers: tuple[int, ...]) -> NDArray[np.int64]:
    """The rows that hold a tensor, int64 of shape [rows, columns]: its limbs one after the other,
    each with the outer axes above and the inner ones padded to powers of two.
    """
    raw = np.array(integers, dtype=np.int64).reshape(layout.dims) - layout.offset
    inner = [axis for axis in range(raw.ndim) if axis not in layout.outer]
    padding = [
        (0, (1 << (length - 1).bit_length()) - length if axis in inner else 0)
        for axis, length in enumerate(layout.dims)
    ]
    order = [*sorted(layout.outer), *inner]
    limbs, shift = [], 0
    for width in layout.limbs:
        limb = np.pad(raw >> shift & (1 << width) - 1, padding)
        limbs.append(limb.transpose(order).reshape(-1))
        shift += width
    flat = np.concatenate(limbs)
    columns = 1 << layout.log_columns
    return np.pad(flat, (0, -len(flat) % columns)).reshape(-1, columns)


def _strings(layout: RowLayout, srs: SRS | None) -> Any:
    powers = 1 << layout.log_columns
    if srs is None:
        if layout.srs_id != DEVELOPMENT_SRS:
            raise UsageError(
                "The commitment is under a reference string that must be given.",
                hint="verify_opening(..., srs=verifai.SRS.load(path))",
            )
        return core().Srs.development(powers)
    try:
        strings = strings_of(srs, powers)
    except ValueError as error:
        raise MalformedError(f"The reference string: {error}.") from None
    if srs_id(strings.tau_g2) != layout.srs_id:
        raise UsageError("The commitment is under another reference string than the one given.")
    return strings


def _refused(reason: str) -> VerificationError:
    return VerificationError(f"the opening: {reason}", check=10, check_name="opening")
