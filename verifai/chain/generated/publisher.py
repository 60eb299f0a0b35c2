"""Proofs whose verifier contract is generated for each key: publishing them, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, cast

from verifai import backends
from verifai.backends import EvmCall
from verifai.backends.protocol import ContractBackend
from verifai.chain.generated.registry import GeneratedRegistry, Publication
from verifai.chain.publisher import Confirm, Publisher
from verifai.chain.receipt import Receipt
from verifai.chain.requirements import OLD_PROBE, answers_one, require_room
from verifai.chain.verdict import verdict
from verifai.contracts.shipped import artefact
from verifai.contracts.solidity import CompiledContract, compile_contract
from verifai.errors import MalformedError, UnsupportedError
from verifai.evm.node.faults import RevertedError
from verifai.evm.transactions.estimate import PublishEstimate
from verifai.progress import Progress
from verifai.proof import Proof, VerifyingKey
from verifai.proof.published import Published

#: What a backend's ``evm_verifier`` calls its contract.
VERIFIER_NAME: Final = "Halo2Verifier"
#: Why another record is not a native key's.
_OTHER_SYSTEM: Final = "it is no native proof, and the key is a native one"
#: Addresses that an estimate pretends a contract at: nobody's.
_PRETENDED: Final = (
    "0xEEEEEeeeeEeEEeeeeeEeEeeeeeeeEeEeEEEEeE01",
    "0xEeEeeEEEEeeEEEEEEeeEeEeEeeeEeeeEeeEeeE02",
)


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
        return self._estimate(_publication(proof, key), _verifier_contract(key), confirm)

    def publish(
        self, proof: Proof, key: VerifyingKey, stages: Progress, confirm: Confirm
    ) -> Receipt:
        shipped, publication = artefact("ProofRegistry"), _publication(proof, key)
        backend = _backend(key)
        if confirm is None and backend.from_evm_call(key, publication.call).digest != proof.digest:
            raise UnsupportedError(
                "This bundle cannot be rebuilt from a transaction, so no auditor could check it: "
                "a verifier contract's call carries no context.",
                hint="Publish a proof without context.",
            )
        stages.stage("compiling the verifier contract")
        contract = _verifier_contract(key)
        stages.stage("finding the contracts")
        if self._sender.url != "embedded":  # whose gas is known: nothing is paid in vain
            self._estimate(publication, contract, confirm)
        at, gas = self._connection.registry, 0
        if at is None:
            at, gas = self._connection.ensure(shipped.code_hash, shipped.creation, "the registry")
        verifier, more = self._connection.ensure(
            contract.code_hash, contract.creation, "the verifier"
        )
        stages.stage("publishing")
        publication = replace(publication, verifier=verifier)
        hash_ = self._published(GeneratedRegistry(self._sender, at), publication, confirm)
        used, block = self._sender.mined(hash_)
        where = (at, verifier, block, self._sender.chain_id)
        return Receipt(used, hash_, *where, proof.digest, key.digest, gas + more)

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
            return registry.publish(publication.arguments, confirm)
        except UnsupportedError as error:
            # Somebody else was faster with the same proof.
            again = error.details.get("reason") == "AlreadyPublished"
            if again and (record := registry.of(publication)):
                return record.transaction_hash
            raise

    def _estimate(
        self, publication: Publication, contract: CompiledContract, confirm: Confirm
    ) -> PublishEstimate:
        sender, shipped = self._sender, artefact("ProofRegistry")
        at = self._connection.registry or self._connection.find(shipped.code_hash)
        verifier = self._connection.find(contract.code_hash)
        steps = []
        if not at:
            steps.append(require_room(sender, "the registry", shipped.creation))
        if not verifier:
            steps.append(require_room(sender, "the verifier", contract.creation))
        else:
            publication = replace(publication, verifier=verifier)
        if at and GeneratedRegistry(sender, at).of(publication) is not None:
            return PublishEstimate(sender.chain_id, True, ())
        # some nodes ignore state overrides without a word
        probe = {_PRETENDED[0]: OLD_PROBE}
        if steps and not answers_one(sender, _PRETENDED[0], b"", "state overrides", probe):
            return PublishEstimate(sender.chain_id, False, tuple(steps), ("publishing",))
        code = {}
        if at is None:
            code[_PRETENDED[0]] = sender.ask(None, shipped.creation, "the registry's code")
        if verifier is None:
            code[_PRETENDED[1]] = contract.runtime
        try:
            steps.append(
                sender.estimate(
                    at or _PRETENDED[0], publication.calldata(), "publishing", code=code
                )
            )
        except RevertedError as refusal:
            raise verdict(sender, refusal, "publishing", self.registry.RUNS, confirm) from None
        return PublishEstimate(sender.chain_id, False, tuple(steps))

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


def _publication(proof: Proof, key: VerifyingKey) -> Publication:
    """What publishing a proof says, of a verifier that is yet to be found."""
    call = _backend(key).evm_call(key, proof.statement, proof.argument)
    return Publication(_PRETENDED[1], key.digest, proof.statement.digest, proof.digest, call)


def _verifier_contract(key: VerifyingKey) -> CompiledContract:
    """The contract of this key alone, compiled."""
    return compile_contract(_backend(key).evm_verifier(key), VERIFIER_NAME)
