"""Public words: what native proofs on chains are about, as bytes (``docs/protocol.md``, "Claims").

A contract takes the words of all inputs, then of all outputs, 16 bytes each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from verifai.errors import MalformedError
from verifai.proof import Statement, VerifyingKey
from verifai.proof.codec import parse_canonical_json
from verifai.proof.statement import check_context
from verifai.verifier.native.check import words_of

#: Bytes of a public word.
WORD_BYTES: Final = 16


def commitments(statement: Statement) -> tuple[bytes, ...]:
    """The commitments in a statement, inputs first, as contracts report them: 32 bytes each."""
    claims = statement.inputs + statement.outputs
    return tuple(bytes.fromhex(claim.commitment) for claim in claims if claim.commitment)


def statement_words(key: VerifyingKey, statement: Statement) -> bytes:
    """All public words of a statement, as the contracts take them.

    Raises:
        VerificationError: the statement is not one that this key can have.
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
