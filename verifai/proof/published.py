"""A proof's record on a chain, as anyone reads it from the chain's history.

Nothing here decides whether a record is honest; that is an audit's job.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from verifai.errors import MalformedError
from verifai.proof.bundle import Proof


@dataclass(frozen=True, repr=False)
class Published:
    """One record of a registry. The three digests are the publisher's claims, not findings.

    Attributes:
        key_digest, statement_digest, bundle_digest: as claimed, 64 hex characters; of a native
            proof the last two are empty.
        publisher: who sent it (address, EIP-55); where there is a call, who signed it.
        verifier: the contract that accepted; of a native proof, the one that the router has for
            the system, empty if it has none.
        verifier_code_hash: Keccak-256 of its code when it did, 0x and 64 digits; of a native proof
            the circuit's identifier, which is that of its table.
        registry: the contract that recorded.
        block_number: the block, as the node says.
        block_time: its UNIX time in seconds, as the node says; None if it does not.
        transaction_hash: 0x and 64 hex digits.
        gas_used: gas of that transaction, as the node says; None if it does not.
        chain_id: CAIP-2, ``eip155:N``.
        call: what the verifier was asked, an ``EvmCall`` or a ``NativeCall``; None where the
            transaction does not show it.
        problem: why ``call`` is None, else None.
        system: the proof system's four bytes in the router, 0x and 8 digits; empty of others than
            native proofs.
        router: the contract that the registry of native proofs asks; empty of others.
    """

    key_digest: str
    statement_digest: str
    bundle_digest: str
    publisher: str
    verifier: str
    verifier_code_hash: str
    registry: str
    block_number: int
    block_time: int | None
    transaction_hash: str
    gas_used: int | None
    chain_id: str
    call: Any = field(repr=False)
    problem: str | None = None
    system: str = ""
    router: str = ""

    def __repr__(self) -> str:
        problem = f", problem: {self.problem}" if self.problem else ""
        what = f"bundle {self.bundle_digest[:12]}" if self.bundle_digest else "native proof"
        return (
            f"Published({what}, key {self.key_digest[:12]}, "
            f"block {self.block_number} of {self.chain_id}{problem})"
        )

    def named(self, bundle: Proof) -> Published:
        """The record with its bundle's digests, which the event of a native proof does not claim.

        Args:
            bundle: from :meth:`verifai.chain.Chain.bundle`.

        Raises:
            MalformedError: the record claims other digests.
        """
        digests = (bundle.statement.digest, bundle.digest)
        if (self.statement_digest, self.bundle_digest) not in (digests, ("", "")):
            raise MalformedError("The record claims the digests of another bundle.")
        return replace(self, statement_digest=digests[0], bundle_digest=digests[1])
