"""Public words: what native proofs on chains are about, as bytes (``docs/protocol.md``, section 7).

A contract takes the words of all inputs, then of all outputs, 16 bytes each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from verifai.backends.native.opening import opened
from verifai.errors import InputError, MalformedError
from verifai.model.inputs import TensorInfo, check_batch
from verifai.proof import Statement, VerifyingKey
from verifai.proof.codec import parse_canonical_json
from verifai.proof.statement import check_context
from verifai.verifier.native.check import pack_words, public_tensors, words_of

#: Bytes of a public word.
WORD_BYTES: Final = 16


def input_words(key: VerifyingKey, inputs: Any) -> bytes:
    """The public words of a circuit's inputs: what a client orders a proof about.

    Args:
        key: the circuit's verifying key.
        inputs: as for :func:`verifai.prove`, openings of committed inputs included; a leading axis
            is a batch.

    Returns:
        16 bytes per word. Quantisation is the circuit's: ``floor(x * 2**scale + 1/2)``.

    Raises:
        InputError: another number of arrays, another shape, or a value that the circuit cannot
            hold. (A value that it can hold may still be beyond what it can prove.)
    """
    infos = [TensorInfo(spec.name, spec.shape, "float64") for spec in key.inputs]
    _, arrays = check_batch(infos, opened(key.inputs, inputs)[0])
    tensors = iter(public_tensors(key))
    found: list[int] = []
    for spec, array in zip(key.inputs, arrays, strict=True):
        if spec.visibility != "public":
            continue
        tensor = next(tensors)
        raw = np.floor(array * 2.0**spec.scale + 0.5) - tensor.offset
        if not (np.isfinite(raw).all() and (raw >= 0).all() and (raw < 2**tensor.bits).all()):
            raise InputError(f"Input {spec.name!r} holds values that the circuit cannot.")
        row = spec.shape[-1] if spec.shape else 1
        found += pack_words([int(value) for value in raw.reshape(-1)], row)
    return b"".join(word.to_bytes(WORD_BYTES, "big") for word in found)


def commitments(statement: Statement) -> tuple[bytes, ...]:
    """The commitments in a statement, inputs first, as contracts report them: 32 bytes each."""
    claims = statement.inputs + statement.outputs
    return tuple(bytes.fromhex(claim.commitment) for claim in claims if claim.commitment)


def statement_words(key: VerifyingKey, statement: Statement) -> bytes:
    """All public words of a statement, as the contracts take them.

    Raises:
        VerificationError: the statement is none of this key.
    """
    return b"".join(word.to_bytes(WORD_BYTES, "big") for word in words_of(key, statement))


def context_from(data: bytes) -> Mapping[str, str | int] | None:
    """The context that these bytes are; the contracts bind a proof to any, and read none.

    Raises:
        MalformedError: no statement has it: not the canonical JSON of a context, which nothing but
            no bytes at all is where there is none. Not LimitError, however deep or long it is.
    """
    try:
        context = check_context(parse_canonical_json(data)) if data else None
    except MalformedError as error:
        raise MalformedError(f"No statement has its context: {error.message}") from None
    if data and context is None:
        raise MalformedError("No statement has its context: null is bound otherwise than none.")
    return context


def words_from(data: bytes) -> list[int]:
    """The words that these bytes are.

    Raises:
        MalformedError: no whole number of words.
    """
    if len(data) % WORD_BYTES:
        raise MalformedError(f"{len(data)} bytes are no whole number of words.")
    return [
        int.from_bytes(data[at : at + WORD_BYTES], "big") for at in range(0, len(data), WORD_BYTES)
    ]
