"""Commitments of single tensors: made before a proof; again from an opening, to show or link."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifai.backends.native.keys import strings_of
from verifai.circuit import SRS
from verifai.circuit.ceremony import kept
from verifai.circuit.core import core
from verifai.errors import (
    InputError,
    MalformedError,
    UnsupportedError,
    UsageError,
    VerificationError,
)
from verifai.model.inputs import TensorInfo, check_batch
from verifai.proof import Opening, TensorClaim, VerifyingKey
from verifai.proof.opening import BLINDING_BYTES, RowLayout
from verifai.proof.reference_string import DEVELOPMENT_SRS, ceremony_of, srs_id
from verifai.proof.tensor import TensorSpec, batched
from verifai.verifier.native.field import P
from verifai.verifier.native.key import key_of
from verifai.verifier.native.linked import commitment, linked_rows


def verify_opening(opening: Opening, claim: TensorClaim, srs: SRS | None) -> NDArray[np.float64]:
    """See :func:`verifai.verify_opening`."""
    opening, claim = Opening.from_bytes(opening.to_bytes()), claim.plain()
    if claim.commitment is None:
        raise UsageError(f"Tensor {claim.name!r} is {claim.spec.visibility}, not committed.")
    if (opening.spec.shape, opening.spec.scale) != (claim.shape, claim.spec.scale):
        raise _refused("its shape or scale is another one")  # a linked tensor has two names
    if commitment_of(opening, srs) != claim.commitment:
        raise _refused("these values and blindings have another commitment")
    return opening.values


def commit(key: VerifyingKey, inputs: Any, several: bool) -> dict[str, Opening]:
    """See :func:`verifai.commit`."""
    if key.guarantees.backend != "native":
        raise UnsupportedError(
            f"Keys of backend {key.guarantees.backend!r} have no hiding commitments."
        )
    infos = [TensorInfo(spec.name, spec.shape, "float64") for spec in key.inputs]
    batch, arrays = check_batch(infos, inputs, several)
    specs = batched(key.inputs, batch)
    # inputs come first among the linked tensors, in their order
    read = key_of(key)
    rows = iter(linked_rows(read.circuits.of(batch or 1), srs_id(read.tau_g2)))
    found = {}
    for spec, array in zip(specs, arrays, strict=True):
        if spec.visibility != "committed":
            continue
        own = next(rows)
        integers = np.floor(array * 2.0**spec.scale + 0.5)
        low, high = own.layout.offset, own.layout.offset + (1 << sum(own.layout.limbs))
        if not (np.isfinite(integers).all() and ((low <= integers) & (integers < high)).all()):
            raise InputError(f"Input {spec.name!r} holds values that the circuit cannot.")
        flat = tuple(int(value) for value in integers.reshape(-1))
        found[spec.name] = Opening(spec, own.layout, flat, fresh_blindings(own.count))
    if not found:
        raise UsageError(
            "The key has no committed inputs.",
            hint="Compile with Visibility(input='committed').",
        )
    return found


def opened(specs: Sequence[TensorSpec], inputs: Any) -> tuple[Any, dict[str, Opening]]:
    """The inputs with values in place of openings, and the openings by input name.

    Raises:
        InputError: an opening of another scale, or for an input that is not committed.
    """
    names = [spec.name for spec in specs]
    if isinstance(inputs, Opening):
        named: dict[str, Any] = dict(zip(names[:1], [inputs], strict=True))
        plain: Any = [inputs.values] if len(names) > 1 else inputs.values
    elif isinstance(inputs, Mapping):
        named = dict(inputs)
        plain = {name: x.values if isinstance(x, Opening) else x for name, x in named.items()}
    elif isinstance(inputs, (list, tuple)) and any(isinstance(x, Opening) for x in inputs):
        named = dict(zip(names, inputs, strict=False))
        plain = tuple(x.values if isinstance(x, Opening) else x for x in inputs)
    else:
        return inputs, {}
    openings = {name: x for name, x in named.items() if isinstance(x, Opening)}
    for spec in specs:
        if spec.name in openings:
            _check_form(spec, openings[spec.name])
    return plain, openings


def _check_form(spec: TensorSpec, opening: Opening) -> None:
    if spec.visibility != "committed":
        raise InputError(
            f"Input {spec.name!r} is not committed: an opening cannot be linked to it.",
            hint="Compile with Visibility(input='committed'), or give the opening's values.",
        )
    if opening.spec.scale != spec.scale:
        raise InputError(
            f"The opening's unit is 2^-{opening.spec.scale}, that of input {spec.name!r} is "
            f"2^-{spec.scale}.",
            hint=f"Compile with NativeOptions(input_scales={{{spec.name!r}: "
            f"{opening.spec.scale}}}).",
        )


def fresh_blindings(rows: int) -> bytes:
    """Uniform scalars from the operating system, 32 bytes each."""
    return b"".join(secrets.randbelow(P).to_bytes(BLINDING_BYTES, "big") for _ in range(rows))


def commitment_of(opening: Opening, srs: SRS | None) -> str:
    """The commitment that an opening's values and blindings have, 64 hex characters.

    Raises:
        MalformedError: blindings that are no scalars, or not as many as there are rows.
        UsageError: the reference string is missing, or another one.
        SetupError: it is a public ceremony's, which was not fetched.
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
    if srs is None and (name := ceremony_of(layout.srs_id)):
        srs = kept(name, layout.log_columns)
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
    return VerificationError(f"the opening: {reason}", check=10)
