"""Native proofs on a chain, from a connection's point of view: deploy, register, publish, read.

A record names no digests of bundles: what the contract has verified is in the calldata, and the
bundle is made from them and the key. So nothing in it is a claim but the key, which an auditor
settles by making the circuit's identifier again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from verifai.chain.artefacts import abi
from verifai.chain.artefacts.interface import interface
from verifai.chain.deploy import DELAY, LOCAL_CHAINS, Contracts, create2_address, deploy
from verifai.chain.native.contract import NATIVE_SYSTEM, artefact, native_system
from verifai.chain.native.registry import NativeRecord, NativeRegistry
from verifai.chain.native.table import circuit_id, compact_table
from verifai.chain.native.words import commitments, statement_words, words_from
from verifai.chain.node.faults import Reverted, asking
from verifai.chain.published import Published
from verifai.chain.receipt import Receipt
from verifai.chain.registry import checksum
from verifai.chain.requirements import require_cancun
from verifai.chain.verdict import own_error, unexplained
from verifai.errors import MalformedError, NetworkError, UnsupportedError
from verifai.proof import Proof, VerifyingKey
from verifai.proof.codec import canonical_json, parse_canonical_json
from verifai.proof.statement import check_context
from verifai.verifier.native.calldata import statement_of
from verifai.verifier.native.check import check_key

if TYPE_CHECKING:
    from verifai.chain.chain import Chain
    from verifai.chain.transactions.sender import Sender


@dataclass(frozen=True)
class NativeCall:
    """What a transaction had verified.

    Attributes:
        circuit: 32 bytes.
        batch: inferences of the circuit.
        context: canonical JSON, empty for none.
        words, argument: public words and proof.
    """

    circuit: bytes
    batch: int
    context: bytes
    words: bytes = field(repr=False)
    argument: bytes = field(repr=False)

    def proof(self, key: VerifyingKey) -> Proof:
        """The bundle; it is not verified here. A batch of one has no axis.

        Raises:
            MalformedError: words or context are none of this key's statements.
        """
        context = check_context(parse_canonical_json(self.context)) if self.context else None
        batch = None if self.batch == 1 else self.batch
        words = words_from(self.words)
        return Proof.of(statement_of(key, batch, context, words, self.argument), self.argument)


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
            hint="Set up with a ceremony's file: setup(circuit, srs=SRS.load(FILE)), or verifai "
            "setup --srs FILE.",
        )
    require_cancun(sender)


def registry_kind() -> str:
    """What registries of native proofs go by among the remembered deployments: Keccak-256 of their
    creation code, for the code that stands holds the router's address."""
    return "0x" + abi.keccak(interface("NativeProofRegistry").creation).hex()


def expected_registry(owner: str) -> str:
    """Where the registry of native proofs stands that ``owner`` deploys (EIP-55)."""
    verifier = create2_address(artefact().creation)
    names = [native_system()]
    router = interface("VerifierRouter").deployment(owner, DELAY, names, [verifier])
    return create2_address(interface("NativeProofRegistry").deployment(create2_address(router)))


def router_of(sender: Sender, registry: str) -> str | None:
    """The router of a shipped NativeProofRegistry; None if something else stands there.

    The address is a digest of the creation code, router included: it cannot hold other code.
    """
    shipped = interface("NativeProofRegistry")
    if not sender.code(registry):
        return None
    try:
        router: str = shipped.result("ROUTER", sender.ask(registry, shipped.call("ROUTER"), "it"))[
            0
        ]
    except (Reverted, MalformedError):
        return None
    return checksum(router) if create2_address(shipped.deployment(router)) == registry else None


def deploy_all(chain: Chain) -> Contracts:
    """The universal verifier and the contracts around it, deployed where they are missing; this
    machine remembers the registry.

    Raises:
        UsageError, UnsupportedError, EnvironmentFault, NetworkError: as
            :func:`verifai.chain.deploy.deploy`.
    """
    contracts = deploy(chain, {NATIVE_SYSTEM: artefact().creation})
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
        call = NativeCall(asked.circuit, batch, asked.context, asked.words, found.argument)
        proof = call.proof(key)
    chain._deployments.add(registry_kind(), registry)
    with asking("the receipt", sender.url):
        mined: Any = sender.web3.eth.get_transaction_receipt(hash_)  # type: ignore[arg-type]
    return Receipt(
        gas_used=int(mined["gasUsed"]),
        transaction_hash=hash_,
        contract=registry,
        verifier=verifier,
        block_number=int(mined["blockNumber"]),
        chain_id=sender.chain_id,
        bundle_digest=proof.digest,
        key_digest=key.digest,
        deployed_gas=gas,
    )


def published(chain: Chain, registry: str) -> Iterator[Published]:
    """The records of a registry of native proofs, oldest first.

    ``verifier_code_hash`` names the circuit, and the digests of statement and bundle are empty:
    nobody claims them.

    Raises:
        NetworkError: the node failed, or does not tell the whole history.
    """
    sender = chain._sender
    # Not only the verifier that counts now: a revocation does not undo what was published before.
    shipped = interface("VerifierRouter")
    data = shipped.call("entries", native_system())
    answer = sender.ask(str(router_of(sender, registry)), data, "the verifier")
    verifier = checksum(shipped.result("entries", answer)[0])
    for record in NativeRegistry(chain, registry).records():
        yield _published(sender, registry, verifier, record)


def _published(sender: Sender, registry: str, verifier: str, record: NativeRecord) -> Published:
    with asking("a published transaction", sender.url):
        receipt: Any = sender.web3.eth.get_transaction_receipt(record.transaction_hash)  # type: ignore[arg-type]
        block = sender.web3.eth.get_block(record.block_number)
        when, gas = int(block["timestamp"]), int(receipt["gasUsed"])
    call = None
    if record.problem is None:
        batch = int(_info(sender, verifier, record.circuit)[1])
        call = NativeCall(record.circuit, batch, record.context, record.words, record.argument)
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
        call=call,
        problem=record.problem,
    )


def verifier_of(sender: Sender, registry: str) -> str:
    """The native verifier that a registry's router has now (EIP-55). Raises NetworkError."""
    router = router_of(sender, registry)
    shipped = interface("VerifierRouter")
    data = shipped.call("verifierOf", native_system())
    try:
        answer = sender.ask(str(router), data, "the verifier")
    except Reverted as refused:
        reason = own_error(refused, ("VerifierRouter",))
        raise NetworkError(f"The router has no native verifier: {reason or refused}.") from None
    return checksum(shipped.result("verifierOf", answer)[0])


def known_circuit(sender: Sender, verifier: str, circuit: bytes) -> bool:
    """Whether a circuit is registered with the verifier at an address. Raises NetworkError."""
    try:
        if not sender.code(verifier):
            return False
        _info(sender, verifier, circuit)
    except Reverted:
        return False
    return True


def _info(sender: Sender, verifier: str, circuit: bytes) -> tuple[Any, ...]:
    shipped = interface("NativeVerifier")
    answer = sender.ask(verifier, shipped.call("circuitInfo", circuit), "the circuit")
    return shipped.result("circuitInfo", answer)
