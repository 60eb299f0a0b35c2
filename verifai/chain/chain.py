"""A chain that proofs are published on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from verifai.chain.connection import Connection
from verifai.chain.deploy import Contracts
from verifai.chain.publisher import Publisher
from verifai.chain.publishers import Publishers
from verifai.chain.receipt import Receipt
from verifai.chain.registry import Event
from verifai.chain.shipped import contract
from verifai.chain.watch import Seen, Watcher
from verifai.errors import MalformedError, NetworkError, UnsupportedError, UsageError, VerifaiError
from verifai.evm.arguments import address_argument, number_argument
from verifai.evm.history import incomplete
from verifai.evm.logs import EventSource, Log
from verifai.evm.node.faults import node_errors
from verifai.evm.transactions import signer as signers
from verifai.evm.transactions.estimate import PublishEstimate
from verifai.evm.transactions.outbox import Entry
from verifai.evm.transactions.sender import Sender
from verifai.progress import Progress, reporting
from verifai.proof import KeyStore, Proof, VerifyingKey
from verifai.proof.published import Published
from verifai.verifier import verify

if TYPE_CHECKING:
    from web3 import Web3

T = TypeVar("T")


def _require_bundle(proof: Proof, key: VerifyingKey) -> None:
    if not isinstance(proof, Proof) or not isinstance(key, VerifyingKey):
        raise UsageError(
            f"A Proof and its VerifyingKey are published, not {type(proof).__name__} and "
            f"{type(key).__name__}.",
            hint="Proof.load(path) and VerifyingKey.load(path) of verifai read them.",
        )


class Chain:
    """A chain as its users see it; made by :func:`verifai.chain.connect`.

    Attributes:
        connection: who sends where, and what is known to stand there.
        chain_id: CAIP-2, ``eip155:N``.
        url: the node without secrets, or ``embedded``.
        web3: the client, for whatever is not offered here.
    """

    def __init__(self, connection: Connection, closing: Callable[[], None] = lambda: None) -> None:
        self.connection = connection
        self.chain_id = connection.sender.chain_id
        self.url = connection.sender.url
        self.web3: Web3 = connection.sender.web3
        self._sender = connection.sender
        self._publishers = Publishers(connection)
        self._closing = closing

    @property
    def registries(self) -> tuple[str, ...]:
        """Addresses of the registries known on this chain whose code is a shipped one: of native
        proofs and of others.
        """
        return tuple(self._registries())

    def _remembered(self) -> tuple[str, ...]:
        """Where this connection was told of a registry, or this machine has seen one."""
        if self.connection.registry is not None:
            return (self.connection.registry,)
        return tuple(dict.fromkeys(at for one in self._publishers.all for at in one.known()))

    def _registries(self) -> dict[str, Publisher]:
        """The registries that are shipped ones, those of native proofs first.

        Each is asked about once, so that a node cannot tell two things of one.
        """
        places = list(self._remembered())
        if self.connection.registry is None:
            places += [at for one in self._publishers.all for at in one.expected()]
        found = {at: self._publishers.of_registry(at) for at in dict.fromkeys(places)}
        return {
            at: publisher
            for publisher in self._publishers.all
            for at, here in found.items()
            if here is publisher
        }

    @property
    def empty(self) -> bool:
        """Whether it is known that nothing was published here, not only that no registry is known:
        the embedded chain remembers every contract that was created on it, and elsewhere a chain
        of one block has none.

        Raises:
            NetworkError: the node failed.
        """
        if self.connection.registry is not None or self.registries:
            return False
        if self.url == "embedded":
            return True
        return self._sender.newest_block() == 0

    def code_hash(self, address: str) -> str:
        """Keccak-256 of the code at an address: 0x and 64 digits (EIP-1052).

        An account without code gives the hash of nothing, ``0xc5d2...``.

        Raises:
            UsageError: not an address.
            NetworkError: the node does not say.
        """
        return self.connection.code_hash(address_argument(address, "address"))

    def expected_code_hash(self, key: VerifyingKey, batch: int | None = None) -> str:
        """Keccak-256 of the code that the verifier contract of ``key`` has; of a native key, of its
        compact table, which is the circuit's identifier.

        Made from the key, so that whoever holds the key need not believe the publisher that a
        verifier is the key's.

        Args:
            batch: inferences per proof of a native circuit; None for one.

        Raises:
            UnsupportedError: the key's circuit is too large for a contract.
            SetupError: the compiler is missing.
        """
        return self._publishers.of_key(key).code_hash(key, batch)

    def publish(
        self,
        proof: Proof,
        key: VerifyingKey,
        *,
        check: bool = True,
        keys: KeyStore | None = None,
        progress: Progress | bool | None = None,
    ) -> Receipt:
        """Have the chain check a proof and record it for everyone.

        Finds or deploys the registry and the key's verifier contract. A proof that is on record
        already gives the receipt it got then, and no transaction is sent. Of native proofs a
        registry holds one for each statement: another proof of a statement on record gives that
        one's receipt, and :meth:`Receipt.is_of` tells them apart.

        Args:
            proof: the bundle.
            key: its verifying key; also added to ``keys``, where an audit looks for it.
            check: verify offline first. False sends the proof whatever it is.
            keys: default the key store in ``home()``.
            progress: see :func:`verifai.progress.reporting`.

        Raises:
            VerificationError: refused offline, with the number of the check; nothing was sent.
            ChainRejectedError: the contract refused it (check 8), and the verifier here does too;
                the chain has not changed.
            UnsupportedError: the verifier is too large for a contract, the bundle holds a context
                that a transaction does not carry, a native key's reference string is the
                development one and the chain is not local, or the chain lacks an instruction or
                the gas that it takes. Of these, all but the gas of a proof are found out before
                anything is sent.
            SetupError: the compiler is missing, or the signer cannot pay.
            NetworkError: the node failed, or a contract refused without a reason of its own: could
                not be checked. A transaction that was signed by then is on record, and publishing
                again resumes it: it is never sent a second time with other content.
        """
        _require_bundle(proof, key)
        confirm = partial(verify, proof, key, proof.statement.context)
        with reporting("publish", progress) as stages:
            if check:
                stages.stage("verifying offline")
                confirm()
            (keys if keys is not None else KeyStore()).add(key)
            publisher = self._publishers.of_key(key)
            return publisher.publish(proof, key, stages, None if check else confirm)

    def estimate(self, proof: Proof, key: VerifyingKey) -> PublishEstimate:
        """What :meth:`publish` would cost; nothing is signed or sent.

        Where the contracts do not stand yet, the node is asked to pretend them, or to simulate the
        transactions one after the other; a node that cannot leaves some costs unknown.

        Raises:
            ChainRejectedError: the contract would refuse the proof, as the verifier here does.
            UnsupportedError, SetupError, NetworkError, UsageError: as publishing.
        """
        _require_bundle(proof, key)
        confirm = partial(verify, proof, key, proof.statement.context)
        return self._publishers.of_key(key).estimate(proof, key, confirm)

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
            verifai.evm.node.faults.RevertedError: the contract refuses it.
            SetupError, NetworkError, UnsupportedError, UsageError: as publishing; also a
                recipient that is no address, or a value out of range.
        """
        at = None if to is None else address_argument(to, "to")
        return self._sender.send(at, data, what, value=number_argument(value, "value", bits=256))

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
            NetworkError, SetupError, UsageError: as publishing.
        """
        return ["0x" + bytes(mined["transactionHash"]).hex() for mined in self._sender.resume()]

    @overload
    def watch(self, **options: Any) -> Watcher[Event]: ...

    @overload
    def watch(self, source: EventSource[T], **options: Any) -> Watcher[T]: ...

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
        return Watcher(self._sender, source or self._publications(), **options)

    def record(self, seen: Seen[Event]) -> Published:
        """The whole record of a publication that :meth:`watch` saw.

        Raises:
            NetworkError: the node does not show its transaction, as after a reorganisation.
        """
        publisher = self._registries().get(seen.address)
        if publisher is None:
            raise self._no_registry(seen.address)
        return publisher.registry(self._sender, seen.address).record(seen.record)

    def published(self) -> Iterator[Published]:
        """Every record of the known registries, oldest first, from the chain's history alone.

        Where :attr:`registries` is empty there is nothing to read, which does not mean that nobody
        published: name the publisher's registry with ``connect(url, registry=...)``.

        Raises:
            NetworkError: the node failed, or does not tell the whole history; what it tells comes
                before, of all registries.
        """
        registries = self._registries()
        faults: list[VerifaiError] = [
            self._no_registry(at) for at in self._remembered() if at not in registries
        ]
        for address, publisher in registries.items():
            try:
                yield from publisher.registry(self._sender, address).records()
            except VerifaiError as error:
                faults.append(error)
        if faults:
            raise faults[0]

    def bundle(self, record: Published, key: VerifyingKey) -> Proof:
        """The bundle that a record's calldata stand for, given the key it claims.

        Raises:
            MalformedError: the calldata are no statement of this key. For example its words are
                out of range, its context is not a context, it is another proof system's call, or
                the circuit is a stranger's.
            NetworkError: the node does not show of which circuit a native record is.
        """
        if record.call is None:
            raise MalformedError(record.problem or "The transaction does not hold the call.")
        return self._publishers.of_record(record).bundle(record, key)

    def foreign(self, record: Published, key: VerifyingKey) -> str:
        """Why a record is not of the key that it claims, which anyone can claim; empty if it is.

        For example: a stranger registers a circuit of their own under the key's digest.

        Raises:
            UnsupportedError, SetupError: the key cannot be compiled here.
            NetworkError: the node does not show what it takes to find out.
        """
        return self._publishers.of_record(record).foreign(record, key)

    def unestablished(self, record: Published, key: VerifyingKey) -> str:
        """What is not established of this package's verifier having accepted a record; empty if
        all of it is. Raises as :meth:`foreign`."""
        return self._publishers.of_record(record).unestablished(record, key)

    def deploy(self) -> Contracts:
        """The universal verifier, the router, the registries and the job market, deployed where
        they are missing, at addresses that depend on the signer alone.

        Raises:
            UsageError: this connection has no signer.
            UnsupportedError: the chain has no deterministic deployment proxy.
            SetupError, NetworkError: as :meth:`publish`.
        """
        return self._publishers.native.deploy()

    def register_circuit(self, key: VerifyingKey, batch: int | None = None) -> bytes:
        """Register a native key's circuit with the verifier of :meth:`deploy`.

        Args:
            batch: inferences per proof; None for one.

        Returns:
            The circuit's identifier, 32 bytes: what jobs and records name.

        Raises:
            UnsupportedError: a circuit that is too large for a chain, or one under the development
                reference string where the chain is not local.
            SetupError, NetworkError, UsageError: as :meth:`deploy`.
        """
        count = 1 if batch is None else number_argument(batch, "batch", 1)
        return self._publishers.native.register_circuit(key, count)

    def signed_by(self, signer: Any) -> Chain:
        """The same chain with another signer, as :func:`verifai.chain.connect` takes one.

        Closing it closes nothing.
        """
        durable = self.url != "embedded"
        sender = Sender(
            self.web3, signers.signer_from(signer), self.url, self._sender.terms, durable=durable
        )
        return Chain(replace(self.connection, sender=sender))

    def send_coins(self, to: str, wei: int) -> None:
        """Send native coins. Raises as :meth:`transact`."""
        self.transact(address_argument(to, "to"), b"", "sending coins", value=wei)

    def advance(self, seconds: int) -> None:
        """Let time pass on a development chain: its next block is so much later.

        Raises:
            UnsupportedError: a chain whose time nobody sets.
            UsageError: seconds that are no whole number from 0.
        """
        number_argument(seconds, "seconds")
        provider: Any = self.web3.provider
        with node_errors("setting the time", self.url):
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

    def _no_registry(self, address: str) -> NetworkError:
        """The error for a node that does not show a registry where there was one."""
        registry = contract("ProofRegistry", address, self._sender)
        return incomplete(registry, "it shows no registry there")

    def _publications(self) -> EventSource[Event]:
        registries = self._registries()
        if not registries:
            raise UsageError(
                "No registry is known on this chain, so there is nothing to watch.",
                hint="Name the publisher's: --registry ADDRESS, or connect(url, registry=ADDRESS). "
                "The receipt has the address as 'contract'.",
            )
        first = min(one.registry(self._sender, at).created_in() for at, one in registries.items())
        kinds = {one.registry.topic(): one.registry for one in self._publishers.all}

        def decode(log: Log) -> Event:
            kind = kinds.get(log.topics[0]) if log.topics else None
            if kind is None:
                raise MalformedError("A log that is no event of a registry.")
            return kind.event(log)

        return EventSource(
            tuple(registries), tuple(kinds), decode, first, lambda event: event.previous_block
        )

    def __enter__(self) -> Chain:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Chain({self.chain_id}, {self.url}, signer {self._sender.address or 'none'})"
