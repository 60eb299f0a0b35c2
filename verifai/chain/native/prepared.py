"""What publishing a native bundle puts on a chain, made once and before anything is paid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from verifai.chain.deploy import LOCAL_CHAINS
from verifai.chain.native.call import NativeCall
from verifai.chain.native.circuits import circuit_table
from verifai.chain.native.registry import NativeRegistry, context_digest
from verifai.chain.native.system import native_system
from verifai.chain.requirements import require_cancun
from verifai.chain.shipped import interface
from verifai.compact.gas import saving
from verifai.compact.table import circuit_id
from verifai.compact.words import commitments, statement_words
from verifai.errors import UnsupportedError
from verifai.evm.abi import keccak
from verifai.evm.transactions.sender import Sender
from verifai.proof import Proof, VerifyingKey
from verifai.proof.codec import canonical_json
from verifai.proof.published import Published


@dataclass(frozen=True)
class Prepared:
    """A bundle as the contracts take it.

    Attributes:
        table: the circuit's compact table.
        linked: the commitments in the statement, 32 bytes each.
        call: circuit, context, words and proof.
        evm_target_saves: gas that publishing would take less, about, had the model been compiled
            with ``target="evm"``.
    """

    table: bytes = field(repr=False)
    linked: tuple[bytes, ...]
    call: NativeCall
    evm_target_saves: int

    @classmethod
    def of(cls, proof: Proof, key: VerifyingKey) -> Prepared:
        """Of a bundle.

        Raises:
            UnsupportedError: a batch of one; or as :func:`circuit_table`.
            VerificationError: the statement is not one of this key.
        """
        batch = proof.statement.batch(key)
        if batch == 1:
            raise UnsupportedError(
                "A batch of one cannot be told from one inference on a chain.",
                hint="Prove the input without a leading axis.",
            )
        table, context = circuit_table(key, batch or 1), proof.statement.context
        call = NativeCall(
            circuit_id(table),
            b"" if context is None else canonical_json(dict(context)),
            statement_words(key, proof.statement),
            bytes(proof.argument),
        )
        saves = saving(bytes(key.material[0]), batch or 1)
        return cls(table, commitments(proof.statement), call, saves)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Of the registry's ``publish``."""
        call = self.call
        return native_system(), call.circuit, call.context, call.words, call.argument

    def find(self, registry: NativeRegistry, publisher: str) -> Published | None:
        """The publisher's record of this statement, by this or by another proof, if there is one.

        Raises:
            NetworkError: the node failed, or does not show what the registry says it has.
        """
        named = {
            "publisher": publisher,
            "system": native_system(),
            "circuit": self.call.circuit,
            "contextDigest": context_digest(self.call.context),
            "wordsDigest": keccak(self.call.words),
            "linked": self.linked,
        }
        id_ = interface(NativeRegistry.NAME).digest("recordId", *named.values())
        return registry.find(id_, named)


def require_accepted(sender: Sender, key: VerifyingKey) -> None:
    """Refuse what the contracts would refuse only after everything before it was paid.

    Raises:
        UnsupportedError: the development reference string, on a chain that is not local; a chain
            without the contracts' instructions.
        NetworkError: the node failed.
    """
    if key.guarantees.srs == "development" and sender.number not in LOCAL_CHAINS:
        raise UnsupportedError(
            "This key's reference string is the development one, with which anybody could forge: "
            f"no contract accepts it on {sender.chain_id}. Nothing was sent.",
            hint="Set up with a public ceremony's: verifai srs fetch aztec-ignition --circuit "
            "CIRCUIT, then verifai setup CIRCUIT --srs aztec-ignition, or setup(circuit, "
            "srs='aztec-ignition').",
        )
    require_cancun(sender)
