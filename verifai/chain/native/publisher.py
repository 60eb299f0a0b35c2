"""Native proofs on a chain: one verifier contract for all circuits, found by its address.

What a record claims is the key, which an auditor settles by making the circuit's identifier again
(:mod:`verifai.chain.native.circuits`), and who accepted is established by addresses
(:mod:`verifai.chain.native.acceptor`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from verifai.chain.deploy import Contracts, deploy, planned
from verifai.chain.native import acceptor, circuits
from verifai.chain.native.call import NativeCall
from verifai.chain.native.estimate import estimate, verifier_of
from verifai.chain.native.prepared import Prepared, require_accepted
from verifai.chain.native.registry import NativeRegistry
from verifai.chain.native.system import NATIVE_SYSTEM, verifiers
from verifai.chain.publisher import Confirm, Publisher
from verifai.chain.receipt import Receipt
from verifai.chain.shipped import contract, interface
from verifai.chain.verdict import own_error, unexplained
from verifai.compact.table import circuit_id
from verifai.errors import MalformedError, NetworkError, UnsupportedError
from verifai.evm.abi import keccak
from verifai.evm.create2 import create2_address
from verifai.evm.node.faults import RevertedError
from verifai.evm.transactions.estimate import PublishEstimate
from verifai.evm.transactions.sender import Sender
from verifai.progress import Progress
from verifai.proof import Proof, VerifyingKey
from verifai.proof.published import Published

#: Why a native record is not the key's.
_FOREIGN: Final = "its circuit is none that the key compiles to; anyone can register one"


class NativePublisher(Publisher):
    """Of the project's own proof system."""

    registry = NativeRegistry

    def kind(self) -> str:
        """Of their creation code, for the code that stands holds the router's address."""
        return "0x" + keccak(interface("NativeProofRegistry").creation).hex()

    def expected(self) -> tuple[str, ...]:
        """Where the registry stands that the signer deploys."""
        if self._sender.address is None:
            return ()
        creations = planned(verifiers(), self._sender.address)
        return (create2_address(creations["NativeProofRegistry"]),)

    def is_registry(self, address: str) -> bool:
        return acceptor.router_of(self._sender, address) is not None

    def code_hash(self, key: VerifyingKey, batch: int | None) -> str:
        """The identifier of the key's circuit, which is that of its compact table."""
        return "0x" + circuit_id(circuits.circuit_table(key, batch or 1)).hex()

    def estimate(self, proof: Proof, key: VerifyingKey, confirm: Confirm) -> PublishEstimate:
        require_accepted(self._sender, key)
        prepared = Prepared.of(proof, key)
        found = estimate(self._connection, prepared, confirm)
        return replace(found, evm_target_saves=prepared.evm_target_saves)

    def publish(
        self, proof: Proof, key: VerifyingKey, stages: Progress, confirm: Confirm
    ) -> Receipt:
        sender = self._sender
        require_accepted(sender, key)
        prepared = Prepared.of(proof, key)
        stages.stage("finding the contracts")
        if sender.url != "embedded":  # whose gas is known: nothing before the proof is paid in vain
            estimate(self._connection, prepared, confirm)
        at, gas = self._connection.registry, 0
        if at is None:
            contracts = self.deploy()
            at, gas = contracts.registry, contracts.gas_used
        verifier = verifier_of(sender, at)
        gas += register_circuit(sender, verifier, prepared.table)[1]
        stages.stage("publishing")
        registry = NativeRegistry(sender, at)
        published = proof.digest
        if (found := prepared.find(registry, sender.account)) is None:
            hash_ = registry.publish(prepared.arguments, confirm)
        else:
            hash_ = found.transaction_hash
            if found.call != prepared.call:  # another proof of the statement is on record
                published = _bundle(found, key, proof.statement.batch(key) or 1).digest
        self.remember(at)
        saves = prepared.evm_target_saves
        used, block = sender.mined(hash_)
        where = (at, verifier, block, sender.chain_id)
        return Receipt(used, hash_, *where, published, key.digest, gas, saves)

    def bundle(self, record: Published, key: VerifyingKey) -> Proof:
        batch = self._own_batch(record, key)
        if batch is None:
            raise MalformedError(_FOREIGN)
        return _bundle(record, key, batch)

    def foreign(self, record: Published, key: VerifyingKey) -> str:
        """A native record is the key's if its circuit is one that the key compiles to and what
        accepted it is established to be this package's verifier."""
        own = self._own_batch(record, key) is not None
        return self.unestablished(record, key) if own else _FOREIGN

    def unestablished(self, record: Published, key: VerifyingKey) -> str:
        """Registry, router, system and verifier, by their addresses, and the code at the last."""
        return acceptor.unestablished(
            self._sender, record.registry, bytes.fromhex(record.system[2:])
        )

    def deploy(self) -> Contracts:
        """The universal verifier and the contracts around it, deployed where they are missing; this
        machine remembers the registry. Raises as :func:`verifai.chain.deploy.deploy`."""
        contracts = deploy(self._sender, verifiers())
        self.remember(contracts.registry)
        return contracts

    def register_circuit(self, key: VerifyingKey, batch: int) -> bytes:
        require_accepted(self._sender, key)
        table = circuits.circuit_table(key, batch)
        return register_circuit(self._sender, self.deploy().verifiers[NATIVE_SYSTEM], table)[0]

    def _own_batch(self, record: Published, key: VerifyingKey) -> int | None:
        """Inferences in a record whose circuit is one that the key compiles to, else None."""
        call = record.call
        if key.guarantees.backend != "native" or not isinstance(call, NativeCall):
            return None
        digest = bytes.fromhex(record.key_digest)
        return circuits.own_batch(
            self._sender, key, digest, call.circuit, call.words, record.verifier
        )


def register_circuit(sender: Sender, verifier: str, table: bytes) -> tuple[bytes, int]:
    """Register a circuit with the verifier at an address, unless it is registered.

    Args:
        table: compact, from :func:`verifai.chain.native.circuits.circuit_table`.

    Returns:
        The circuit's identifier, and the gas that it took.

    Raises:
        UnsupportedError: the contract refused the table, and says which rule it breaks.
        NetworkError: the node failed, or the contract refused without a reason of its own.
    """
    circuit, what = circuit_id(table), "registering the circuit"
    if circuits.is_registered(sender, verifier, circuit):
        return circuit, 0
    try:
        mined = contract("NativeVerifier", verifier, sender).send("register", table, what=what)
    except RevertedError as refusal:
        found = own_error(refusal, ("NativeVerifier",))
        if found is None or found.name != "TableRefused":  # StorageFailed is a lack of gas
            raise unexplained(sender, refusal, what) from None
        raise UnsupportedError(f"The verifier does not take this circuit: {found}.") from None
    return circuit, int(mined["gasUsed"])


def _bundle(record: Published, key: VerifyingKey, batch: int) -> Proof:
    if not isinstance(record.call, NativeCall):
        raise NetworkError(f"Which proof is on record is not shown: {record.problem}.")
    return record.call.proof(key, batch)
