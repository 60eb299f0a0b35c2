"""A chain that proofs are published on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from verifai.chain import generated, whose
from verifai.chain.cursor import Cursor
from verifai.chain.deployments import Deployments
from verifai.chain.published import Published, Reader
from verifai.chain.receipt import Receipt
from verifai.chain.registry import Event, Publication, event_topic
from verifai.chain.verdict import own_error, unexplained, verdict
from verifai.chain.watch import Seen, Watcher
from verifai.contracts.shipped import artefact
from verifai.errors import (
    MalformedError,
    NetworkError,
    UnsupportedError,
    UsageError,
    VerifaiError,
)
from verifai.evm import abi
from verifai.evm.given import given_address, whole
from verifai.evm.history import incomplete
from verifai.evm.logs import EventSource
from verifai.evm.node.faults import Reverted, asking
from verifai.evm.transactions import signer as signers
from verifai.evm.transactions.estimate import PublishEstimate
from verifai.evm.transactions.outbox import Entry
from verifai.evm.transactions.sender import Sender
from verifai.progress import Progress, reporting
from verifai.proof import KeyStore, Proof, VerifyingKey
from verifai.verifier import verify

if TYPE_CHECKING:
    from web3 import Web3

    from verifai.chain.deploy import Contracts

T = TypeVar("T")


class Chain:
    """A connection to one chain; made by :func:`verifai.chain.connect`.

    Attributes:
        chain_id: CAIP-2, ``eip155:N``.
        url: the node without secrets, or ``embedded``.
        web3: the client, for whatever is not offered here.
    """

    def __init__(
        self,
        sender: Sender,
        deployments: Deployments,
        registry: str | None,
        closing: Callable[[], None],
    ) -> None:
        self.chain_id = sender.chain_id
        self.url = sender.url
        self.web3: Web3 = sender.web3
        self._sender = sender
        self._deployments = deployments
        self._registry = registry
        self._closing = closing

    @property
    def registries(self) -> tuple[str, ...]:
        """Addresses of the registries known on this chain whose code is a shipped one: of native
        proofs and of others.
        """
        return tuple(self._kinds())

    def _known(self) -> tuple[str, ...]:
        """Where this connection was told of a registry, or this machine has seen one."""
        from verifai.chain.native.publication import registry_kind

        if self._registry is not None:
            return (self._registry,)
        at = self._deployments.at
        return tuple(dict.fromkeys(at(registry_kind()) + at(artefact("ProofRegistry").code_hash)))

    def _kinds(self) -> dict[str, bool]:
        """The registries that are shipped ones, and whether each is of native proofs; those first.

        Each is asked about once, so that a node cannot tell two things of one.
        """
        from verifai.chain.native.acceptor import router_of
        from verifai.chain.native.publication import expected_registry

        known = self._known()
        if self._registry is None and self._sender.address is not None:
            known = tuple(dict.fromkeys((*known, expected_registry(self._sender.address))))
        kinds = {}
        for address in known:
            if router_of(self._sender, address):
                kinds[address] = True
            elif self.code_hash(address) == artefact("ProofRegistry").code_hash:
                kinds[address] = False
        return dict(sorted(kinds.items(), key=lambda kind: not kind[1]))

    @property
    def empty(self) -> bool:
        """Whether it is known that nothing was published here, not only that no registry is known:
        the embedded chain remembers every contract that was created on it, and elsewhere a chain
        of one block has none.

        Raises:
            NetworkError: the node failed.
        """
        if self._registry is not None or self.registries:
            return False
        if self.url == "embedded":
            return True
        with asking("the newest block", self.url):
            return int(self.web3.eth.block_number) == 0

    def code_hash(self, address: str) -> str:
        """Keccak-256 of the code at an address: 0x and 64 digits (EIP-1052).

        An account without code gives the hash of nothing, ``0xc5d2...``.

        Raises:
            UsageError: not an address.
            NetworkError: the node does not say.
        """
        return "0x" + abi.keccak(self._sender.code(given_address(address, "address"))).hex()

    def expected_code_hash(self, vk: VerifyingKey, batch: int | None = None) -> str:
        """Keccak-256 of the code that the verifier contract of ``vk`` has; of a native key, of its
        compact table, which is the circuit's identifier.

        Made from the key, so that whoever holds the key need not believe the publisher that a
        verifier is the key's.

        Args:
            batch: inferences per proof of a native circuit; None for one.

        Raises:
            UnsupportedError: the key's circuit is too large for a contract.
            EnvironmentFault: the compiler is missing.
        """
        if vk.guarantees.backend == "native":
            from verifai.chain.native.circuits import circuit_table
            from verifai.compact import circuit_id

            return "0x" + circuit_id(circuit_table(vk, batch or 1)).hex()
        return generated.verifier_contract(vk).code_hash

    def publish(
        self,
        proof: Proof,
        vk: VerifyingKey,
        check: bool = True,
        *,
        keys: KeyStore | None = None,
        progress: Progress | bool | None = None,
    ) -> Receipt:
        """Have the chain check a proof and record it for everyone.

        Finds or deploys the registry and the key's verifier contract. A proof that is on record
        already gives the receipt it got then, and no transaction is sent.

        Args:
            proof: the bundle.
            vk: its verifying key; also added to ``keys``, where an audit looks for it.
            check: verify offline first. False sends the proof whatever it is.
            keys: default the key store in ``home()``.
            progress: see :func:`verifai.progress.reporting`.

        Raises:
            VerificationError: refused offline, with the number of the check; nothing was sent.
            ChainRejected: the contract refused it (check 8), and the verifier here does too; the
                chain has not changed.
            UnsupportedError: the verifier is too large for a contract, the bundle holds a context
                that a transaction does not carry, a native key's reference string is the
                development one and the chain is not local, or the chain lacks an instruction or
                the gas that it takes. Of these, all but the gas of a proof are found out before
                anything is sent.
            EnvironmentFault: the compiler is missing, or the signer cannot pay.
            NetworkError: the node failed, or a contract refused without a reason of its own: could
                not be checked. A transaction that was signed by then is on record, and publishing
                again resumes it: it is never sent a second time with other content.
        """
        from verifai.backends import get

        with reporting("publish", progress) as stages:
            backend = get(vk.guarantees.backend)
            if check:
                stages.stage("verifying offline")
                verify(proof, vk, proof.statement.context)
            if vk.guarantees.backend == "native":
                return self._publish_native(proof, vk, keys, stages, check)
            call = backend.evm_call(vk, proof.statement, proof.argument)
            if check and backend.from_evm_call(vk, call).digest != proof.digest:
                raise UnsupportedError(
                    "This bundle cannot be rebuilt from a transaction, so no auditor could check "
                    "it: a verifier contract's call carries no context.",
                    hint="Publish a proof without context.",
                )
            stages.stage("compiling the verifier contract")
            contract = generated.verifier_contract(vk)
            (keys if keys is not None else KeyStore()).add(vk)
            stages.stage("finding the contracts")
            if self.url != "embedded":  # whose gas is known: nothing before it is paid in vain
                self.estimate(proof, vk)
            shipped = artefact("ProofRegistry")
            registry, gas = self._registry, 0
            if registry is None:
                registry, gas = self._stand(shipped.code_hash, shipped.creation, "the registry")
            verifier, more = self._stand(contract.code_hash, contract.creation, "the verifier")
            publication = Publication(
                verifier, vk.digest, proof.statement.digest, proof.digest, call
            )
            stages.stage("publishing")
            confirm = None if check else lambda: verify(proof, vk, proof.statement.context)
            return self._publish(registry, publication, gas + more, confirm)

    def _publish_native(
        self, proof: Proof, vk: VerifyingKey, keys: KeyStore | None, stages: Progress, check: bool
    ) -> Receipt:
        from verifai.chain.native.publication import publish

        (keys if keys is not None else KeyStore()).add(vk)
        stages.stage("publishing")
        return publish(self, self._registry, proof, vk, check=check)

    def estimate(self, proof: Proof, vk: VerifyingKey) -> PublishEstimate:
        """What :meth:`publish` would cost; nothing is signed or sent.

        Where the contracts do not stand yet, the node is asked to pretend them, or to simulate the
        transactions one after the other; a node that cannot leaves some costs unknown.

        Raises:
            ChainRejected: the contract would refuse the proof, as the verifier here does.
            UnsupportedError, EnvironmentFault, NetworkError, UsageError: as publishing.
        """
        from verifai.chain.native.circuits import evm_target_saves
        from verifai.chain.native.estimate import estimate

        if vk.guarantees.backend == "native":
            found = estimate(self, self._registry, proof, vk)
            return replace(found, evm_target_saves=evm_target_saves(proof, vk))
        return generated.estimate(self, proof, vk)

    def transact(
        self, to: str | None, data: bytes, what: str, *, value: int = 0
    ) -> Mapping[str, Any]:
        """Send a transaction of your own with the same care as a publication.

        Args:
            to: a contract, or None to create one.
            data: calldata, or creation bytecode.
            what: how messages name it.
            value: wei to send along.

        Returns:
            The receipt, as web3 gives it, when the terms' confirmations are reached. An equal
            transaction (recipient, value, data) that was left unfinished is taken up in its place.

        Raises:
            verifai.evm.node.faults.Reverted: the contract refuses it.
            EnvironmentFault, NetworkError, UnsupportedError, UsageError: as publishing; also a
                recipient that is no address, or a value out of range.
        """
        at = None if to is None else given_address(to, "to")
        return self._sender.send(at, data, what, value=whole(value, "value", bits=256))

    def unfinished(self) -> tuple[Entry, ...]:
        """Transactions that were signed here for this signer and whose receipt nobody has: what a
        process that died, or gave up, left behind."""
        return self._sender.unfinished()

    def resume(self) -> list[str]:
        """Bring every unfinished transaction to its end: hand it in again, wait, repair.

        Publishing again does the same for the publication at hand.

        Returns:
            Hashes of those that are mined now, 0x and 64 digits, reverted ones included.

        Raises:
            NetworkError, EnvironmentFault, UsageError: as publishing.
        """
        return ["0x" + bytes(mined["transactionHash"]).hex() for mined in self._sender.resume()]

    @overload
    def watch(
        self,
        *,
        since: int | Cursor | None = ...,
        confirmations: int = ...,
        once: bool = ...,
        poll_seconds: float = ...,
        patience_seconds: float | None = ...,
        path: str | os.PathLike[str] | None = ...,
    ) -> Watcher[Event]: ...

    @overload
    def watch(
        self,
        source: EventSource[T],
        *,
        since: int | Cursor | None = ...,
        confirmations: int = ...,
        once: bool = ...,
        poll_seconds: float = ...,
        patience_seconds: float | None = ...,
        path: str | os.PathLike[str] | None = ...,
    ) -> Watcher[T]: ...

    def watch(self, source: EventSource[Any] | None = None, **options: Any) -> Watcher[Any]:
        """Follow a contract's events as they happen, through reorganisations and restarts.

        Args:
            source: which events; None for the publications of :attr:`registries`, each an
                :class:`verifai.chain.registry.Event` (:meth:`record` makes a Published of one).
            options: as :class:`verifai.chain.watch.Watcher`: since, confirmations, once,
                poll_seconds, patience_seconds, path.

        Raises:
            UsageError: no registry is known on this chain.
            As Watcher, also while iterating.
        """
        chain = f"{self.chain_id}/{self._sender.genesis}"
        source = source if source is not None else self._publications()
        exact = self.url != "embedded"
        return Watcher(self.web3, self.url, chain, source, exact=exact, **options)

    def record(self, seen: Seen[Event]) -> Published:
        """The whole record of a publication that :meth:`watch` saw.

        Raises:
            NetworkError: the node does not show its transaction, as after a reorganisation.
        """
        from verifai.chain.native.publication import published

        if not self._kinds().get(seen.address):
            return self._reader(seen.address).record(seen.record)
        for record in published(self, seen.address):
            if record.transaction_hash == seen.transaction_hash:
                return record
        raise NetworkError(
            f"The node at {self.url} does not show {seen.transaction_hash} any more."
        )

    def published(self) -> Iterator[Published]:
        """Every record of the known registries, oldest first, from the chain's history alone.

        Where :attr:`registries` is empty there is nothing to read, which does not mean that nobody
        published: name the publisher's registry with ``connect(url, registry=...)``.

        Raises:
            NetworkError: the node failed, or does not tell the whole history; what it tells comes
                before, of all registries.
        """
        from verifai.chain.native.publication import published

        kinds = self._kinds()
        faults: list[VerifaiError] = [
            incomplete(self.url, registry, "it shows no registry there")
            for registry in self._known()
            if registry not in kinds
        ]
        for registry, native in kinds.items():
            try:
                yield from published(self, registry) if native else self._reader(registry).records()
            except VerifaiError as error:
                faults.append(error)
        if faults:
            raise faults[0]

    def bundle(self, record: Published, key: VerifyingKey) -> Proof:
        """The bundle that a record's calldata stand for, given the key it claims.

        Raises:
            MalformedError: the calldata are no statement of this key: words, instances or a
                context that none has, another proof system's call, or a circuit that is none of
                the key's.
            NetworkError: the node does not show of which circuit a native record is.
        """
        from verifai.backends import get
        from verifai.chain.native.publication import NativeCall

        if record.call is None:
            raise MalformedError(record.problem or "The transaction does not hold the call.")
        if not isinstance(record.call, NativeCall):
            if key.guarantees.backend == "native":
                raise MalformedError(whose.OTHER_SYSTEM)
            return get(key.guarantees.backend).from_evm_call(key, record.call)
        batch = whose.own_batch(self, record, record.call, key)
        if batch is None:
            raise MalformedError(whose.FOREIGN)
        return record.call.proof(key, batch)

    def foreign(self, record: Published, key: VerifyingKey) -> str:
        """See :func:`verifai.chain.whose.foreign`."""
        return whose.foreign(self, record, key)

    def unestablished(self, record: Published, key: VerifyingKey) -> str:
        """See :func:`verifai.chain.whose.unestablished`."""
        return whose.unestablished(self, record, key)

    def deploy(self) -> Contracts:
        """The universal verifier, the router, the registries and the job market, deployed where
        they are missing, at addresses that depend on the signer alone.

        Raises:
            UsageError: this connection has no signer.
            UnsupportedError: the chain has no deterministic deployment proxy.
            EnvironmentFault, NetworkError: as :meth:`publish`.
        """
        from verifai.chain.native.publication import deploy_all

        return deploy_all(self)

    def register(self, vk: VerifyingKey, batch: int | None = None) -> bytes:
        """Register a native key's circuit with the verifier of :meth:`deploy`.

        Args:
            batch: inferences per proof; None for one.

        Returns:
            The circuit's identifier, 32 bytes: what jobs and records name.

        Raises:
            UnsupportedError: a circuit that is too large for a chain, or one under the development
                reference string where the chain is not local.
            EnvironmentFault, NetworkError, UsageError: as :meth:`deploy`.
        """
        from verifai.chain.native.circuits import circuit_table
        from verifai.chain.native.contract import NATIVE_SYSTEM
        from verifai.chain.native.publication import register, require_accepted

        count = 1 if batch is None else whole(batch, "batch", 1)
        require_accepted(self._sender, vk)
        table = circuit_table(vk, count)
        return register(self, self.deploy().verifiers[NATIVE_SYSTEM], table)[0]

    def signed_by(self, signer: Any) -> Chain:
        """The same chain with another signer, as :func:`verifai.chain.connect` takes one.

        Closing it closes nothing.
        """
        durable = self.url != "embedded"
        sender = Sender(
            self.web3, signers.named(signer), self.url, self._sender.terms, durable=durable
        )
        return Chain(sender, self._deployments, self._registry, lambda: None)

    def send_coins(self, to: str, wei: int) -> None:
        """Send native coins. Raises as :meth:`transact`."""
        self.transact(given_address(to, "to"), b"", "sending coins", value=wei)

    def advance(self, seconds: int) -> None:
        """Let time pass on a development chain: its next block is so much later.

        Raises:
            UnsupportedError: a chain whose time nobody sets.
            UsageError: seconds that are no whole number from 0.
        """
        whole(seconds, "seconds")
        provider: Any = self.web3.provider
        with asking("setting the time", self.url):
            if self.url == "embedded":
                backend = provider.ethereum_tester.backend
                now = int(self.web3.eth.get_block("latest")["timestamp"])
                backend.next_time = now + seconds
                backend.mine_blocks()
                return
            answer = provider.make_request("evm_increaseTime", [seconds])
            if "error" in answer:
                raise UnsupportedError(f"The node at {self.url} does not set the time.")
            provider.make_request("evm_mine", [])

    def describe(self) -> dict[str, str | int]:
        """Which chain this is, in plain values, for reports."""
        return {
            "chain_id": self.chain_id,
            "node": self.url,
            "registries": ", ".join(self.registries)
            or "none known; --registry ADDRESS names the publisher's",
        }

    def close(self) -> None:
        """Let go of the node, or of the embedded chain and its journal. Harmless when repeated."""
        self._closing()

    def _reader(self, registry: str) -> Reader:
        return Reader(self.web3, registry, self.chain_id, self.url)

    def _publish(
        self,
        registry: str,
        publication: Publication,
        deployed_gas: int,
        confirm: Callable[[], object] | None,
    ) -> Receipt:
        reader = self._reader(registry)
        if (record := reader.find(publication)) is not None:
            return _receipt(record, deployed_gas)
        try:
            mined = self._sender.send(registry, publication.calldata(), "publishing")
        except Reverted as refusal:
            found = own_error(refusal, generated.CONTRACTS)
            # Somebody else was faster with the same proof.
            if found and found.name == "AlreadyPublished" and (record := reader.find(publication)):
                return _receipt(record, deployed_gas)
            raise verdict(
                self._sender, refusal, "publishing", generated.CONTRACTS, confirm
            ) from None
        return Receipt(
            gas_used=mined["gasUsed"],
            transaction_hash="0x" + bytes(mined["transactionHash"]).hex(),
            contract=registry,
            verifier=publication.verifier,
            block_number=mined["blockNumber"],
            chain_id=self.chain_id,
            bundle_digest=publication.bundle_digest,
            key_digest=publication.key_digest,
            deployed_gas=deployed_gas,
        )

    def _publications(self) -> EventSource[Event]:
        registries = self.registries
        if not registries:
            raise UsageError(
                "No registry is known on this chain, so there is nothing to watch.",
                hint="Name the publisher's: --registry ADDRESS, or connect(url, registry=ADDRESS). "
                "The receipt has the address as 'contract'.",
            )
        first = min(self._reader(registry).created_in() for registry in registries)
        from verifai.chain.native.registry import event_of
        from verifai.chain.shipped import interface

        native = interface("NativeProofRegistry").topic("ProofPublished")

        def decode(log: Mapping[str, Any]) -> Event:
            mine = [bytes(topic) for topic in log["topics"]][:1] == [native]
            return event_of(log) if mine else Event.from_log(log)

        topics = (event_topic(), native)
        return EventSource(registries, topics, decode, first, lambda event: event.previous_block)

    def _standing(self, code_hash: str) -> str | None:
        """Address of a contract with this code, if one is known."""
        known = self._deployments.at(code_hash)
        return next((at for at in known if self.code_hash(at) == code_hash), None)

    def _stand(self, code_hash: str, creation: bytes, what: str) -> tuple[str, int]:
        """Address of a contract with this code, and the gas it took to put it there."""
        if (standing := self._standing(code_hash)) is not None:
            return standing, 0
        try:
            mined = self._sender.send(None, creation, f"deploying {what}")
        except Reverted as refusal:
            raise unexplained(self._sender, refusal, f"deploying {what}") from None
        address = str(mined["contractAddress"])
        if self.code_hash(address) != code_hash:
            raise NetworkError(f"The chain at {self.url} keeps other code than was deployed.")
        self._deployments.add(code_hash, address)
        return address, int(mined["gasUsed"])

    def __enter__(self) -> Chain:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Chain({self.chain_id}, {self.url}, signer {self._sender.address or 'none'})"


def _receipt(record: Published, deployed_gas: int) -> Receipt:
    if record.gas_used is None:
        raise NetworkError(f"The node does not show the receipt of {record.transaction_hash}.")
    return Receipt(
        gas_used=record.gas_used,
        transaction_hash=record.transaction_hash,
        contract=record.registry,
        verifier=record.verifier,
        block_number=record.block_number,
        chain_id=record.chain_id,
        bundle_digest=record.bundle_digest,
        key_digest=record.key_digest,
        deployed_gas=deployed_gas,
    )
