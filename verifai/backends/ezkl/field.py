"""ezkl's public values: BN254 scalars in a fixed order, and what they mean.

ezkl's human-readable outputs are never read: its verifier accepts forged ones. Everything is
decoded here from the ``instances`` that the proof is checked against, with scales from the trusted
key.
"""

from __future__ import annotations

from collections.abc import Sequence

from verifai.errors import MalformedError
from verifai.limits import MAX_INTEGER
from verifai.proof import TensorClaim, TensorSpec
from verifai.verifier.native.field import P as MODULUS


def instances(claims: Sequence[TensorClaim]) -> list[int]:
    """Field elements of all public claims: inputs, then outputs, each row-major.

    A committed tensor is one element, its Poseidon digest. A private one contributes nothing.
    """
    values: list[int] = []
    for claim in claims:
        if claim.integers is not None:
            values += [integer % MODULUS for integer in claim.integers]
        elif claim.commitment is not None:
            element = int(claim.commitment, 16)
            if element >= MODULUS:
                raise MalformedError(f"The commitment of {claim.name!r} is no field element.")
            values.append(element)
    return values


def claims(specs: Sequence[TensorSpec], values: Sequence[int]) -> list[TensorClaim]:
    """Inverse of :func:`instances`.

    Raises:
        MalformedError: too few or too many values, one that is not below the modulus, or one that
            stands for an integer beyond ``MAX_INTEGER``.
    """
    needed = sum(_elements(spec) for spec in specs)
    if len(values) != needed:
        raise MalformedError(f"Expected {needed} public values, found {len(values)}.")
    if not all(0 <= value < MODULUS for value in values):
        raise MalformedError("A public value is not a canonical field element.")
    result, offset = [], 0
    for spec in specs:
        if spec.visibility == "public":
            part = values[offset : offset + spec.size]
            offset += spec.size
            result.append(TensorClaim(spec, integers=tuple(_signed(value) for value in part)))
        elif spec.visibility == "committed":
            result.append(TensorClaim(spec, commitment=f"{values[offset]:064x}"))
            offset += 1
        else:
            result.append(TensorClaim(spec))
    return result


def _elements(spec: TensorSpec) -> int:
    return {"public": spec.size, "committed": 1, "private": 0}[spec.visibility]


def to_ezkl(value: int) -> str:
    """A field element as ezkl writes it: 32 bytes, little-endian, hexadecimal."""
    return value.to_bytes(32, "little").hex()


def from_ezkl(text: object) -> int:
    """Inverse of :func:`to_ezkl`.

    Raises:
        MalformedError: not 64 hex characters, or not below the modulus.
    """
    if not isinstance(text, str) or len(text) != 64:
        raise MalformedError("ezkl wrote a field element that is not 32 bytes of hex.")
    try:
        value = int.from_bytes(bytes.fromhex(text), "little")
    except ValueError:
        raise MalformedError("ezkl wrote a field element that is not hex.") from None
    if value >= MODULUS:
        raise MalformedError("ezkl wrote a field element above the modulus.")
    return value


def _signed(value: int) -> int:
    signed = value - MODULUS if value > MODULUS // 2 else value
    if abs(signed) > MAX_INTEGER:
        raise MalformedError("A public value stands for no integer within MAX_INTEGER.")
    return signed
