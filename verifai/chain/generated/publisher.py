"""Proofs whose verifier contract is generated for each key: publishing them, and what it costs."""

from __future__ import annotations

from typing import Any, Final, cast

from verifai import backends
from verifai.backends import EvmCall
from verifai.backends.protocol import ContractBackend
from verifai.chain.generated.registry import GeneratedRegistry, Publication
from verifai.chain.publisher import Confirm, Publisher
from verifai.chain.receipt import Receipt
from verifai.chain.verdict import own_error, unexplained, verdict
from verifai.contracts.shipped import artefact
from verifai.contracts.solidity import CompiledContract, compile_contract
from verifai.errors import MalformedError, NetworkError, UnsupportedError
from verifai.evm.node.faults import RevertedError, node_errors
from verifai.evm.transactions.estimate import PublishEstimate
from verifai.progress import Progress
from verifai.proof import Proof, VerifyingKey
from verifai.proof.published import Published

#: The shipped contracts that take proofs of generated verifiers.
CONTRACTS: Final = ("ProofRegistry",)
#: What a backend's ``evm_verifier`` calls its contract.
VERIFIER_NAME: Final = "Halo2Verifier"
#: Why another record is not a native key's.
_OTHER_SYSTEM: Final = "it is no native proof, and the key is a native one"
#: Addresses that an estimate pretends a contract at: nobody's.
_PRETENDED: Final = (
    "0xEEEEEeeeeEeEEeeeeeEeEeeeeeeeEeEeEEEEeE01",
    "0xEeEeeEEEEeeEEEEEEeeEeEeEeeeEeeeEeeEeeE02",
)
#: Answers everything with the word 1; whether a node honours state overrides.
_ANSWERS_ONE: Final = bytes.fromhex("600160005260206000f3")


class GeneratedPublisher(Publisher):
    """Of proof systems that make a contract for each key."""

    registry = GeneratedRegistry

    def kind(self) -> str:
        return artefact("ProofRegistry").code_hash

    def is_registry(self, address: str) -> bool:
        return self._connection.code_hash(address) == self.kind()

    def code_hash(self, key: VerifyingKey, batch: int | None) -> str:
        return _verifier_contract(key).code_hash

    def estimate(self, proof: Proof, key: VerifyingKey, confirm: Confirm) -> PublishEstimate:
        call = _backend(key).evm_call(key, proof.statement, proof.argument)
        return self._estimate(proof, key, call, _verifier_contract(key), confirm)

    def publish(
        self, proof: Proof, key: VerifyingKey, stages: Progress, confirm: Confirm
    ) -> Receipt:
        backend, shipped = _backend(key), artefact("ProofRegistry")
        call = backend.evm_call(key, proof.statement, proof.argument)
        if confirm is None and backend.from_evm_call(key, call).digest != proof.digest:
            raise UnsupportedError(
                "This bundle cannot be rebuilt from a transaction, so no auditor could check it: "
                "a verifier contract's call carries no context.",
                hint="Publish a proof without context.",
            )
        stages.stage("compiling the verifier contract")
        contract = _verifier_contract(key)
        stages.stage("finding the contracts")
        if self._sender.url != "embedded":  # whose gas is known: nothing is paid in vain
            self._estimate(proof, key, call, contract, confirm)
        at, gas = self._connection.registry, 0
        if at is None:
            at, gas = self._connection.ensure(shipped.code_hash, shipped.creation, "the registry")
        verifier, more = self._connection.ensure(
            contract.code_hash, contract.creation, "the verifier"
        )
        stages.stage("publishing")
        publication = Publication(verifier, key.digest, proof.statement.digest, proof.digest, call)
        hash_ = self._published(GeneratedRegistry(self._sender, at), publication, confirm)
        return Receipt.of(self._sender, hash_, at, verifier, proof.digest, key.digest, gas + more)

    def _published(
        self,
        registry: GeneratedRegistry,
        publication: Publication,
        confirm: Confirm,
    ) -> str:
        """Hash of the transaction that published this, now or before."""
        if (record := registry.of(publication)) is not None:
            return record.transaction_hash
        try:
            mined = registry.contract.send("publish", *publication.arguments, what="publishing")
        except RevertedError as refusal:
            found = own_error(refusal, CONTRACTS)
            # Somebody else was faster with the same proof.
            if found and found.name == "AlreadyPublished" and (record := registry.of(publication)):
                return record.transaction_hash
            raise verdict(self._sender, refusal, "publishing", CONTRACTS, confirm) from None
        return "0x" + bytes(mined["transactionHash"]).hex()

    def _estimate(
        self,
        proof: Proof,
        key: VerifyingKey,
        call: EvmCall,
        contract: CompiledContract,
        confirm: Confirm,
    ) -> PublishEstimate:
        sender, shipped = self._sender, artefact("ProofRegistry")
        at = self._connection.registry or self._connection.find(shipped.code_hash)
        verifier = self._connection.find(contract.code_hash)
        steps = []
        for stands, creation, what in (
            (at, shipped.creation, "deploying the registry"),
            (verifier, contract.creation, "deploying the verifier"),
        ):
            try:
                steps += [] if stands else [sender.estimate(None, creation, what)]
            except RevertedError as refusal:
                raise unexplained(sender, refusal, what) from None
        publication = Publication(
            verifier or _PRETENDED[1], key.digest, proof.statement.digest, proof.digest, call
        )
        if at and GeneratedRegistry(sender, at).of(publication) is not None:
            return PublishEstimate(sender.chain_id, True, ())
        if steps and not self._pretends():
            return PublishEstimate(sender.chain_id, False, tuple(steps), ("publishing",))
        code = {}
        if at is None:
            question: Any = {"data": "0x" + shipped.creation.hex()}
            with node_errors("the registry's code", sender.url):
                code[_PRETENDED[0]] = bytes(sender.web3.eth.call(question))
        if verifier is None:
            code[_PRETENDED[1]] = contract.runtime
        try:
            steps.append(
                sender.estimate(
                    at or _PRETENDED[0], publication.calldata(), "publishing", code=code
                )
            )
        except RevertedError as refusal:
            raise verdict(sender, refusal, "publishing", CONTRACTS, confirm) from None
        return PublishEstimate(sender.chain_id, False, tuple(steps))

    def _pretends(self) -> bool:
        """Whether the node honours state overrides; some ignore them without a word."""
        question: Any = {"to": _PRETENDED[0], "data": "0x"}
        override: Any = {_PRETENDED[0]: {"code": "0x" + _ANSWERS_ONE.hex()}}
        try:
            with node_errors("state overrides", self._sender.url):
                answer = self._sender.web3.eth.call(question, "latest", override)
                return int.from_bytes(answer, "big") == 1
        except (RevertedError, NetworkError):
            return False

    def bundle(self, record: Published, key: VerifyingKey) -> Proof:
        if key.guarantees.backend == "native":
            raise MalformedError(_OTHER_SYSTEM)
        assert isinstance(record.call, EvmCall)
        return _backend(key).from_evm_call(key, record.call)

    def foreign(self, record: Published, key: VerifyingKey) -> str:
        """A record is the key's if the contract that accepted has the code that it compiles to."""
        if key.guarantees.backend == "native":
            return _OTHER_SYSTEM
        matches = record.verifier_code_hash == _verifier_contract(key).code_hash
        return "" if matches else "the code of what accepted it is not what the key compiles to"

    def unestablished(self, record: Published, key: VerifyingKey) -> str:
        """The verifier's code, in the event and now."""
        if why := self.foreign(record, key):
            return why
        matches = self._connection.code_hash(record.verifier) == record.verifier_code_hash
        return "" if matches else f"the node shows other code at {record.verifier} than the event"


def _backend(key: VerifyingKey) -> ContractBackend:
    return cast(ContractBackend, backends.get(key.guarantees.backend))


def _verifier_contract(key: VerifyingKey) -> CompiledContract:
    """The contract of this key alone, compiled."""
    return compile_contract(_backend(key).evm_verifier(key), VERIFIER_NAME)
