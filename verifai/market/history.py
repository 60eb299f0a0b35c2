"""What a market's transactions tell: the proofs that completed jobs, wherever the calls lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from verifai.compact.words import commitments, words_from
from verifai.errors import MalformedError
from verifai.evm.interface import Interface
from verifai.market.jobs import Job
from verifai.proof import Proof, VerifyingKey
from verifai.verifier.native.calldata import statement_of
from verifai.verifier.native.keccak import keccak256

#: Occurrences of the call's four bytes that are looked at in one transaction.
MAX_CALLS: Final = 64


@dataclass(frozen=True)
class Fulfilment:
    """A job that a proof completed.

    Attributes:
        job: the job.
        provider: who was paid (address, EIP-55).
        context: what the proof has to be bound to.
        proof: the bundle, rebuilt and not verified; None if there is a problem.
        problem: why the transaction does not hold the proof, else None. Anyone may send a proof
            through a contract of theirs that shows it nowhere.
    """

    job: Job
    provider: str
    context: Mapping[str, str | int]
    proof: Proof | None
    problem: str | None = None


def calls_within(data: bytes, selector: bytes) -> Iterator[bytes]:
    """Calls of a function in a transaction's data: all of it, or texts in it, as wallets and
    forwarders carry calls: behind their length, in 32 bytes."""
    if data[:4] == selector:
        yield data
    at = 31
    for _ in range(MAX_CALLS):
        at = data.find(selector, at + 1)
        if at < 0:
            return
        yield data[at : at + int.from_bytes(data[at - 32 : at], "big")]


def proof_of(
    market: Interface,
    job: Job,
    fields: Mapping[str, Any],
    data: bytes,
    key: tuple[VerifyingKey, int | None, int],
    context: Mapping[str, str | int],
) -> Proof | None:
    """The bundle that a ``JobCompleted`` event (``fields``) is about; None if it is nowhere.

    Args:
        data: the transaction's.
        key: the verifying key, the batch (None for one inference), and the bytes of the inputs'
            public words.

    Raises:
        MalformedError: a call that the event is about contradicts the job or the key.
    """
    vk, batch, input_bytes = key
    for call in calls_within(data, market.selector("fulfil")):
        try:
            _, words, argument = market.arguments("fulfil", call)
        except MalformedError:
            continue
        digests = (keccak256(words), keccak256(argument))
        if digests != (fields["wordsDigest"], fields["proofDigest"]):
            continue
        statement = statement_of(vk, batch, context, words_from(words), argument)
        linked = b"".join(commitments(statement)[: job.terms.linked_inputs])
        found = (keccak256(words[:input_bytes]), keccak256(linked))
        if found != (job.terms.input_digest, job.terms.linked_digest):
            raise MalformedError(f"job {job.id} was completed by a proof about another input")
        return Proof.of(statement, argument)
    return None
