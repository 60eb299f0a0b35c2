"""A statement rebuilt from what a transaction carries: words, context, proof bytes.

The inverse of :func:`verifai.verifier.native.check.words_of`: an auditor needs the key and the
calldata, and no other archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifai.errors import MalformedError, VerificationError
from verifai.proof import Statement, TensorClaim, VerifyingKey
from verifai.proof.reference_string import srs_id
from verifai.proof.tensor import batched
from verifai.verifier.native.check import PublicTensor, check_tensors, public_tensors
from verifai.verifier.native.key import key_of
from verifai.verifier.native.linked import linked_rows, tensor_commitments
from verifai.verifier.native.words import lanes_of, word_count


def statement_of(
    key: VerifyingKey,
    batch: int | None,
    context: Mapping[str, str | int] | None,
    words: Sequence[int],
    argument: bytes,
) -> Statement:
    """What a proof with these words claims under a key; nothing is verified here.

    Args:
        batch: the leading axis of all tensors; None for one inference without one.
        words: public words, integers below 2^128, in the key's order.

    Raises:
        MalformedError: the key contradicts itself; or not as many words as its tensors have, a lane
            that holds more than its tensor's range, a lane beyond the end of a row that is not 0.
    """
    own = key_of(key)
    table = own.circuits.table
    try:
        check_tensors(key, table)
    except VerificationError as error:
        raise MalformedError(f"Not a key to read calldata with: {error.message}.") from None
    tensors = iter(public_tensors(key))
    rows = linked_rows(own.circuits.of(batch or 1), srs_id(own.tau_g2))
    digests = iter(tensor_commitments(rows, argument))
    claims, rest = [], list(words)
    for spec in batched(key.inputs + key.outputs, batch):
        if spec.visibility == "committed":
            claims.append(TensorClaim(spec, commitment=next(digests)))
        elif spec.visibility == "private":
            claims.append(TensorClaim(spec))
        else:
            integers, rest = _unpacked(rest, next(tensors), batch or 1)
            claims.append(TensorClaim(spec, integers=integers))
    if rest:
        raise MalformedError(f"{len(rest)} words more than the key's public tensors have.")
    count = len(key.inputs)
    return key.statement(claims[:count], claims[count:], context)


def _unpacked(
    words: list[int], tensor: PublicTensor, batch: int
) -> tuple[tuple[int, ...], list[int]]:
    """The values of one tensor, and the words after it."""
    dims = tensor.dims(batch)
    row = dims[-1] if dims else 1
    count = word_count(dims, tensor.bits)
    if len(words) < count:
        raise MalformedError(f"{len(words)} words where a public tensor has {count}.")
    values: list[int] = []
    for lanes in lanes_of(words[:count], dims, tensor.bits):
        if any(lanes[row:]) or any(value >> tensor.bits for value in lanes[:row]):
            raise MalformedError("A public word holds what its tensor cannot.")
        values += [value + tensor.offset for value in lanes[:row]]
    return tuple(values), words[count:]
