"""The NativeProofRegistry contract seen from Python: publish a native proof, read all of them.

What a registry holds is read from the chain's history alone, events first, then calldata, as
:mod:`verifai.chain.published` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from verifai.chain.chain import Chain
from verifai.chain.native.contract import native_system
from verifai.chain.published import ELSEWHERE, without_fault
from verifai.chain.registry import Event
from verifai.chain.shipped import interface
from verifai.chain.verdict import verdict
from verifai.compact.words import context_from, statement_words, words_from
from verifai.errors import MalformedError, UsageError
from verifai.evm.abi import checksum, keccak
from verifai.evm.history import history, incomplete
from verifai.evm.logs import EventSource
from verifai.evm.node.faults import Reverted
from verifai.evm.transactions.shown import shown
from verifai.proof import Proof, VerifyingKey
from verifai.proof.codec import canonical_json
from verifai.verifier import verify
from verifai.verifier.native.calldata import statement_of

#: The shipped contracts that a publication runs.
CONTRACTS: Final = ("NativeProofRegistry", "VerifierRouter", "NativeVerifier")


@dataclass(frozen=True)
class NativeRecord:
    """One verified proof.

    Attributes:
        system: the proof system's four bytes.
        circuit: 32 bytes: what it was checked against.
        key_digest: 32 bytes: the key that the circuit's table names, a claim of who registered it.
        publisher: who sent it (address, EIP-55); without a problem, who signed it.
        linked: digests of the commitments that it is about.
        block_number, transaction_hash: where.
        context: canonical JSON, empty for none; with ``words`` and ``argument`` from the calldata.
        problem: why the calldata do not hold those three, else None.
    """

    system: bytes
    circuit: bytes
    key_digest: bytes
    publisher: str
    linked: tuple[bytes, ...]
    block_number: int
    transaction_hash: str
    context: bytes = field(repr=False)
    words: bytes = field(repr=False)
    argument: bytes = field(repr=False)
    problem: str | None = None

    def proof(self, key: VerifyingKey, batch: int | None = None) -> Proof:
        """The bundle that stands behind the record, given its key; it is not verified here.

        Args:
            key: the verifying key.
            batch: inferences per proof; None for one.

        Raises:
            MalformedError: words or context are none of this key's statements.
        """
        if self.problem is not None:
            raise MalformedError(self.problem)
        context = context_from(self.context)
        words = words_from(self.words)
        return Proof.of(statement_of(key, batch, context, words, self.argument), self.argument)


def event_of(log: Mapping[str, Any]) -> Event:
    """A log of a NativeProofRegistry as the events of all registries are told: the digests of
    statement and bundle are empty, the code's hash is the circuit's identifier.

    Raises:
        MalformedError: not a ``ProofPublished`` event.
    """
    name, fields = interface("NativeProofRegistry").event(log)
    if name != "ProofPublished":
        raise MalformedError("A log that is no ProofPublished event.")
    return Event(
        key_digest=fields["keyDigest"].hex(),
        statement_digest="",
        bundle_digest="",
        publisher=checksum(fields["publisher"]),
        verifier="",
        verifier_code_hash="0x" + fields["circuit"].hex(),
        previous_block=int(fields["previousBlock"]),
        block_number=int(log["blockNumber"]),
        log_index=int(log["logIndex"]),
        transaction_hash="0x" + bytes(log["transactionHash"]).hex(),
    )


def publish_calldata(circuit: bytes, context: bytes, words: bytes, argument: bytes) -> bytes:
    """The transaction data that publishes a proof; ``context`` is canonical JSON or empty."""
    arguments = (native_system(), circuit, context, words, argument)
    return interface("NativeProofRegistry").call("publish", *arguments)


class NativeRegistry:
    """One NativeProofRegistry, through one connection.

    Args:
        chain: the connection.
        address: of the contract (:func:`verifai.chain.deploy.deploy` gives it).

    Raises:
        UsageError: there is no contract at the address.
        NetworkError: the node failed.
    """

    def __init__(self, chain: Chain, address: str) -> None:
        self.address = checksum(address)
        self._sender = chain._sender
        self._registry = interface("NativeProofRegistry")
        if not self._sender.code(self.address):
            raise UsageError(f"There is no contract at {self.address} on {chain.chain_id}.")

    def publish(self, proof: Proof, vk: VerifyingKey, circuit: bytes, *, check: bool = True) -> str:
        """Have the chain verify a proof and record that it did.

        Args:
            proof: the bundle, with or without context.
            vk: its verifying key.
            circuit: the circuit's identifier in the verifier.
            check: verify offline first. False sends the proof whatever it is.

        Returns:
            Hash of the transaction, 0x and 64 digits.

        Raises:
            VerificationError: refused offline, with the number of the check; nothing was sent.
            ChainRejected: a contract refused it (check 8), and the verifier here does too; nothing
                was recorded.
            UnsupportedError: it is on record already, or the contracts do not take its circuit.
            EnvironmentFault: the signer cannot pay.
            NetworkError: the node failed, or a contract refused without a reason of its own.
        """
        context = proof.statement.context
        if check:
            verify(proof, vk, context)
        text = b"" if context is None else canonical_json(dict(context))
        words = statement_words(vk, proof.statement)
        data = publish_calldata(circuit, text, words, bytes(proof.argument))
        try:
            mined = self._sender.send(self.address, data, "publishing")
        except Reverted as refusal:
            confirm = None if check else lambda: verify(proof, vk, context)
            raise verdict(self._sender, refusal, "publishing", CONTRACTS, confirm) from None
        return "0x" + bytes(mined["transactionHash"]).hex()

    def find(
        self,
        publisher: str,
        circuit: bytes,
        context: bytes,
        words: bytes,
        linked: Sequence[bytes] = (),
    ) -> NativeRecord | None:
        """A publisher's record of a statement, if there is one.

        Args:
            publisher: address.
            circuit: 32 bytes.
            context: canonical JSON, empty for none.
            words: public words.
            linked: commitments in the statement (:func:`verifai.compact.words.commitments`).

        Raises:
            NetworkError: the node failed, or does not show what the registry says it has.
        """
        bound = keccak(context) if context else bytes(32)
        statement = (native_system(), circuit, bound, keccak(words))
        data = self._registry.call("recordId", publisher, *statement, list(linked))
        (id_,) = self._registry.result(
            "recordId", self._sender.ask(self.address, data, "a record's identifier")
        )
        data = self._registry.call("publishedIn", id_)
        (block,) = self._registry.result(
            "publishedIn", self._sender.ask(self.address, data, "a record's block")
        )
        if not block:
            return None
        topic = "0x" + self._registry.topic("ProofPublished").hex()
        names = ("publisher", "system", "circuit", "contextDigest", "wordsDigest", "linked")
        for log in self._sender.logs(self.address, [topic], block, block):
            fields = self._registry.event(log)[1]
            found = (checksum(fields["publisher"]), *(fields[name] for name in names[1:]))
            if found == (checksum(publisher), *statement, tuple(linked)):
                return self._record(log, fields)
        raise incomplete(self._sender.url, self.address, f"the record in block {block} is missing")

    def records(self) -> Iterator[NativeRecord]:
        """All records up to the present block, oldest first; one that cannot be read has a problem.

        Raises:
            NetworkError: the node failed, or does not tell the whole history; what it tells comes
                before.
        """
        source: EventSource[dict[str, Any]] = EventSource(
            (self.address,),
            (self._registry.topic("ProofPublished"),),
            lambda log: self._registry.event(log)[1],
            previous_block=lambda fields: int(fields["previousBlock"]),
        )
        for log, fields in history(self._sender.web3, self._sender.url, source):
            yield self._record(log, fields)

    def _record(self, log: Mapping[str, Any], fields: Mapping[str, Any]) -> NativeRecord:
        digest = "0x" + bytes(log["transactionHash"]).hex()
        call, problem = without_fault(lambda: self._call(digest, fields))
        return NativeRecord(
            fields["system"],
            fields["circuit"],
            fields["keyDigest"],
            checksum(fields["publisher"]),
            tuple(fields["linked"]),
            int(log["blockNumber"]),
            digest,
            *(call or (b"", b"", b"")),
            problem,
        )

    def _call(
        self, digest: str, fields: Mapping[str, Any]
    ) -> tuple[tuple[bytes, bytes, bytes] | None, str | None]:
        """Context, words and proof, or why the transaction does not say."""
        sender = self._sender
        signed = shown(sender.web3, sender.url, digest, sender.chain_id)
        if signed.recipient != self.address:
            return None, ELSEWHERE
        try:
            system, circuit, *call = self._registry.arguments("publish", signed.fields["data"])
        except MalformedError as error:
            return None, error.message
        context, words, argument = call
        bound = keccak(context) if context else bytes(32)
        found = (bound, keccak(words), keccak(argument), system, circuit, signed.sender)
        names = ("contextDigest", "wordsDigest", "proofDigest", "system", "circuit")
        told = (*(fields[name] for name in names), checksum(fields["publisher"]))
        if found != told:
            why = f"the event of {digest[:18]} contradicts its transaction"
            raise incomplete(sender.url, self.address, why)
        return (context, words, argument), None

    def __repr__(self) -> str:
        return f"NativeRegistry({self.address})"
