"""Native proofs on a chain, from a connection's point of view: deploy, register, publish, read.

A record names no digests of bundles: what the contract has verified is in the calldata, and the
bundle is made from them and the key. What it claims is the key, which an auditor settles by making
the circuit's identifier again (:mod:`verifai.chain.native.circuits`), and who accepted is
established by addresses (:mod:`verifai.chain.native.acceptor`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from verifai.chain.deploy import DELAY, LOCAL_CHAINS, Contracts, deploy
from verifai.chain.native.acceptor import first_systems, router_of, unestablished, verifier_now
from verifai.chain.native.circuits import circuit_info, circuit_table, evm_target_saves
from verifai.chain.native.contract import NATIVE_SYSTEM, native_system, verifier_address
from verifai.chain.native.registry import NativeRecord, NativeRegistry
from verifai.chain.published import Published, mined
from verifai.chain.receipt import Receipt
from verifai.chain.requirements import require_cancun
from verifai.chain.shipped import interface
from verifai.chain.verdict import own_error, unexplained
from verifai.compact.table import circuit_id
from verifai.compact.words import commitments, context_from, statement_words, words_from
from verifai.contracts.shipped import artefact
from verifai.errors import NetworkError, UnsupportedError, UsageError, VerifaiError
from verifai.evm import abi
from verifai.evm.abi import checksum
from verifai.evm.create2 import create2_address
from verifai.evm.node.faults import Reverted, asking
from verifai.proof import Proof, VerifyingKey
from verifai.proof.codec import canonical_json
from verifai.verifier.native.calldata import statement_of

if TYPE_CHECKING:
    from verifai.chain.chain import Chain
    from verifai.evm.transactions.sender import Sender


@dataclass(frozen=True)
class NativeCall:
    """What a transaction had verified.

    Attributes:
        circuit: 32 bytes.
        context: canonical JSON, empty for none.
        words, argument: public words and proof.
    """

    circuit: bytes
    context: bytes
    words: bytes = field(repr=False)
    argument: bytes = field(repr=False)

    def proof(self, key: VerifyingKey, batch: int) -> Proof:
        """The bundle; it is not verified here. A batch of one has no axis.

        Raises:
            MalformedError: words or context are none of this key's statements.
        """
        context = context_from(self.context)
        words = words_from(self.words)
        statement = statement_of(key, batch if batch > 1 else None, context, words, self.argument)
        return Proof.of(statement, self.argument)


@dataclass(frozen=True)
class Publication:
    """What publishing a bundle puts on a chain.

    Attributes:
        compact: the circuit's compact table; ``circuit`` is its name.
        context: canonical JSON, empty for none.
        words: public words, 16 bytes each.
        linked: commitments, 32 bytes each.
    """

    compact: bytes = field(repr=False)
    circuit: bytes
    context: bytes
    words: bytes = field(repr=False)
    linked: tuple[bytes, ...]

    @classmethod
    def of(cls, proof: Proof, key: VerifyingKey) -> Publication:
        """Of a bundle.

        Raises:
            UnsupportedError: a batch of one; or as :func:`circuit_table`.
            VerificationError: the statement is none of this key.
        """
        batch = proof.statement.batch(key)
        if batch == 1:
            raise UnsupportedError(
                "A batch of one cannot be told from one inference on a chain.",
                hint="Prove the input without a leading axis.",
            )
        compact = circuit_table(key, batch or 1)
        context = proof.statement.context
        return cls(
            compact,
            circuit_id(compact),
            b"" if context is None else canonical_json(dict(context)),
            statement_words(key, proof.statement),
            commitments(proof.statement),
        )

    def record(self, registry: NativeRegistry, publisher: str) -> NativeRecord | None:
        """The publisher's record of this statement, if there is one. Raises NetworkError."""
        return registry.find(publisher, self.circuit, self.context, self.words, self.linked)


def require_accepted(sender: Sender, key: VerifyingKey) -> None:
    """Refuse what the contracts would refuse only after everything before it was paid.

    Raises:
        UnsupportedError: the development reference string, on a chain that is not local; a chain
            without the contracts' instructions.
        NetworkError: the node failed.
    """
    number = int(sender.chain_id.removeprefix("eip155:"))
    if key.guarantees.srs == "development" and number not in LOCAL_CHAINS:
        raise UnsupportedError(
            "This key's reference string is the development one, with which anybody could forge: "
            f"no contract accepts it on {sender.chain_id}. Nothing was sent.",
            hint="Set up with a public ceremony's: verifai srs fetch aztec-ignition --circuit "
            "CIRCUIT, then verifai setup CIRCUIT --srs aztec-ignition, or setup(circuit, "
            "srs='aztec-ignition').",
        )
    require_cancun(sender)


def registry_kind() -> str:
    """What registries of native proofs go by among the remembered deployments: Keccak-256 of their
    creation code, for the code that stands holds the router's address."""
    return "0x" + abi.keccak(interface("NativeProofRegistry").creation).hex()


def expected_registry(owner: str) -> str:
    """Where the registry of native proofs stands that ``owner`` deploys (EIP-55)."""
    verifier = verifier_address()
    names = [native_system()]
    router = interface("VerifierRouter").deployment(owner, DELAY, names, [verifier])
    return create2_address(interface("NativeProofRegistry").deployment(create2_address(router)))


def deploy_all(chain: Chain) -> Contracts:
    """The universal verifier and the contracts around it, deployed where they are missing; this
    machine remembers the registry.

    Raises:
        UsageError, UnsupportedError, EnvironmentFault, NetworkError: as
            :func:`verifai.chain.deploy.deploy`.
    """
    contracts = deploy(chain, {NATIVE_SYSTEM: artefact("NativeVerifier").creation})
    chain._deployments.add(registry_kind(), contracts.registry)
    return contracts


def register(chain: Chain, verifier: str, compact: bytes) -> tuple[bytes, int]:
    """Register a circuit with the verifier at an address, unless it is registered.

    Args:
        compact: from :func:`circuit_table`.

    Returns:
        The circuit's identifier, and the gas that it took.

    Raises:
        UnsupportedError: the contract refused the table, and says which rule it breaks.
        NetworkError: the node failed, or the contract refused without a reason of its own.
    """
    circuit = circuit_id(compact)
    if known_circuit(chain._sender, verifier, circuit):
        return circuit, 0
    data = interface("NativeVerifier").call("register", compact)
    try:
        mined = chain._sender.send(verifier, data, "registering the circuit")
    except Reverted as refusal:
        found = own_error(refusal, ("NativeVerifier",))
        if found is None or found.name != "TableRefused":  # StorageFailed is a lack of gas
            raise unexplained(chain._sender, refusal, "registering the circuit") from None
        raise UnsupportedError(f"The verifier does not take this circuit: {found}.") from None
    return circuit, int(mined["gasUsed"])


def publish(
    chain: Chain, registry: str | None, proof: Proof, key: VerifyingKey, *, check: bool
) -> Receipt:
    """Publish a bundle; deploys and registers what is missing. ``check``: verify it offline first.

    Raises:
        ChainRejected, NetworkError, EnvironmentFault, UnsupportedError: as ``Chain.publish``.
    """
    from verifai.chain.native.estimate import estimate

    sender = chain._sender
    require_accepted(sender, key)
    asked = Publication.of(proof, key)
    if chain.url != "embedded":  # whose gas is known: nothing before the proof is paid in vain
        estimate(chain, registry, proof, key)
    gas = 0
    if registry is None:
        contracts = deploy_all(chain)
        registry, gas = contracts.registry, contracts.gas_used
    verifier = verifier_of(sender, registry)
    gas += register(chain, verifier, asked.compact)[1]
    records = NativeRegistry(chain, registry)
    found = asked.record(records, str(sender.address))
    if found is None:
        hash_ = records.publish(proof, key, asked.circuit, check=check)
    else:  # of this statement, perhaps by another proof
        hash_ = found.transaction_hash
        batch = proof.statement.batch(key) or 1
        call = NativeCall(asked.circuit, asked.context, asked.words, found.argument)
        proof = call.proof(key, batch)
    chain._deployments.add(registry_kind(), registry)
    with asking("the receipt", sender.url):
        receipt: Any = sender.web3.eth.get_transaction_receipt(hash_)  # type: ignore[arg-type]
    return Receipt(
        gas_used=int(receipt["gasUsed"]),
        transaction_hash=hash_,
        contract=registry,
        verifier=verifier,
        block_number=int(receipt["blockNumber"]),
        chain_id=sender.chain_id,
        bundle_digest=proof.digest,
        key_digest=key.digest,
        deployed_gas=gas,
        evm_target_saves=evm_target_saves(proof, key),
    )


def published(chain: Chain, registry: str) -> Iterator[Published]:
    """The records of a registry of native proofs, oldest first.

    ``verifier_code_hash`` names the circuit, and the digests of statement and bundle are empty:
    nobody claims them. The verifier is the one that the router was made with; of a system that came
    later, the one that the node says; empty if the router is not this package's.

    Raises:
        NetworkError: the node failed, or does not tell the whole history; what it tells comes
            before.
    """
    sender = chain._sender
    router = router_of(sender, registry)
    first: Mapping[bytes, str] | None = None
    with suppress(VerifaiError):
        first = first_systems(sender, router) if router else None
    verifiers = dict(first or {})
    for record in NativeRegistry(chain, registry).records():
        if record.system not in verifiers:
            verifiers[record.system] = ""
            if first is not None:  # of a stranger's router no answer is worth showing
                # Not only one that counts now: revocation does not undo what was published before.
                with suppress(VerifaiError, Reverted):
                    verifiers[record.system] = verifier_now(sender, str(router), record.system)
        yield _published(sender, registry, str(router), verifiers[record.system], record)


def _published(
    sender: Sender, registry: str, router: str, verifier: str, record: NativeRecord
) -> Published:
    when, gas, reverted = mined(
        sender.web3, sender.url, record.block_number, record.transaction_hash
    )
    problem = reverted or record.problem
    call = NativeCall(record.circuit, record.context, record.words, record.argument)
    return Published(
        key_digest=record.key_digest.hex(),
        statement_digest="",
        bundle_digest="",
        publisher=record.publisher,
        verifier=verifier,
        verifier_code_hash="0x" + record.circuit.hex(),
        registry=registry,
        block_number=record.block_number,
        block_time=when,
        transaction_hash=record.transaction_hash,
        gas_used=gas,
        chain_id=sender.chain_id,
        call=None if problem else call,
        problem=problem,
        system="0x" + record.system.hex(),
        router=router,
    )


def verifier_of(sender: Sender, registry: str) -> str:
    """The native verifier that a registry's router has now (EIP-55).

    Raises:
        UsageError: it is not this package's, or that was not shown.
        NetworkError: the node failed, or the router has none that counts.
    """
    router = router_of(sender, registry)
    shipped = interface("VerifierRouter")
    data = shipped.call("verifierOf", native_system())
    try:
        answer = sender.ask(str(router), data, "the verifier")
    except Reverted as refused:
        reason = own_error(refused, ("VerifierRouter",))
        raise NetworkError(f"The router has no native verifier: {reason or refused}.") from None
    if why := unestablished(sender, registry, native_system()):
        raise UsageError(
            f"The registry at {registry} would record what another verifier accepts: {why}.",
            hint="Take the registry's address from whoever deployed it.",
        )
    return checksum(shipped.result("verifierOf", answer)[0])


def known_circuit(sender: Sender, verifier: str, circuit: bytes) -> bool:
    """Whether a circuit is registered with the verifier at an address. Raises NetworkError."""
    try:
        if not sender.code(verifier):
            return False
        circuit_info(sender, verifier, circuit)
    except Reverted:
        return False
    return True
