"""Which of a key's circuits a record is about: a key has one for each number of inferences.

A circuit's identifier is a digest of its compact table. Whoever has the key makes that table again,
so the only question is for which batch. The words of a record answer it, and where there are none
the registered table, which the identifier authenticates: neither is anybody's word.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from verifai.chain.shipped import contract
from verifai.compact.table import circuit_id, compact_table, table_batch
from verifai.compact.words import WORD_BYTES
from verifai.errors import MalformedError, NetworkError, UnsupportedError
from verifai.evm.node.faults import RevertedError
from verifai.proof import VerifyingKey
from verifai.verifier.native.check import check_key, public_tensors
from verifai.verifier.native.words import word_count

if TYPE_CHECKING:
    from verifai.evm.transactions.sender import Sender


def circuit_table(key: VerifyingKey, batch: int) -> bytes:
    """The compact table of a key for a batch.

    Raises:
        UnsupportedError: the circuit is too large for a chain, or its reference string is one that
            the contract does not know.
        VerificationError: the key contradicts itself (checks 3, 4 and 6).
    """
    check_key(key)
    table, commitments, tau_g2 = map(bytes, key.material)
    return compact_table(key.header_digest, table, commitments, tau_g2, batch)


def own_batch(
    sender: Sender, key: VerifyingKey, digest: bytes, circuit: bytes, words: bytes, verifier: str
) -> int | None:
    """The batch for which a key's circuit is the one of a record.

    Args:
        digest: of the key, as the record claims it.
        circuit: the identifier in the record.
        words: its public words.
        verifier: address of the contract that accepted; empty if unknown.

    Returns:
        None if the record is of a stranger's table, which only claims the key's digest.

    Raises:
        NetworkError: this cannot be found out through this node.
    """
    by_words = batch_of_words(key, len(words))
    if by_words and _identifier(key, by_words) == circuit:
        return by_words
    table = registered_table(sender, verifier, circuit)
    if table is None:
        raise NetworkError(
            f"the circuit {circuit.hex()[:16]} is not the key's for these public words, and the "
            f"node at {sender.url} does not show which table it is of"
        )
    if table[:32] != digest:
        raise NetworkError(
            f"the node at {sender.url} shows the key {digest.hex()[:16]} in the event, and another "
            "one in the circuit's table"
        )
    batch = table_batch(table)
    return batch if by_words is None and _identifier(key, batch) == circuit else None


def batch_of_words(key: VerifyingKey, size: int) -> int | None:
    """The batch of which a key's statements have so many bytes of public words.

    None if no batch has, or if none of the key's public tensors grows with it.
    """
    fixed = growing = 0
    for tensor in public_tensors(key):
        words = word_count(tensor.shape, tensor.bits)
        growing, fixed = (growing + words, fixed) if tensor.batched else (growing, fixed + words)
    rest, odd = divmod(size, WORD_BYTES)
    if odd or not growing or rest <= fixed or (rest - fixed) % growing:
        return None
    return (rest - fixed) // growing


def registered_table(sender: Sender, verifier: str, circuit: bytes) -> bytes | None:
    """The compact table of an identifier, which is its digest; None if the node does not show it.

    Raises:
        NetworkError: the node failed.
    """
    if not verifier:
        return None
    with suppress(RevertedError, MalformedError):
        info = contract("NativeVerifier", verifier, sender).call("circuitInfo", circuit)
        code = sender.code(info[6])
        return code[1:] if code[:1] == b"\0" and circuit_id(code[1:]) == circuit else None
    return None


def is_registered(sender: Sender, verifier: str, circuit: bytes) -> bool:
    """Whether a circuit is registered with the verifier at an address. Raises NetworkError."""
    with suppress(RevertedError):
        asked = contract("NativeVerifier", verifier, sender)
        return bool(sender.code(verifier) and asked.call("circuitInfo", circuit))
    return False


@lru_cache(maxsize=64)
def _identifier(key: VerifyingKey, batch: int) -> bytes | None:
    """The name of a key's circuit for a batch; None if it has none, so large a batch for example.

    A chain repeats few of them; each takes as long as compiling it does.
    """
    try:
        return circuit_id(circuit_table(key, batch))
    except (MalformedError, UnsupportedError):
        return None
