"""A registry read from the chain's history alone: events first, then calldata.

What is decided here is whether the node contradicts itself: :mod:`verifai.evm.history` says how
records that are left out are noticed, :mod:`verifai.evm.transactions.shown` how changed ones are.
One that cannot be read is a record with a problem, and hides no other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from verifai.chain.native.call import NativeCall
from verifai.chain.shipped import contract, interface
from verifai.chain.verdict import verdict
from verifai.errors import MalformedError, NetworkError, VerifaiError, explained
from verifai.evm.history import events, history, incomplete, number
from verifai.evm.logs import Log
from verifai.evm.node.faults import RevertedError, node_errors
from verifai.evm.transactions.sender import Sender
from verifai.evm.transactions.shown import shown
from verifai.proof.published import Published

if TYPE_CHECKING:
    from verifai.backends import EvmCall

    #: What a verifier was asked, or why that is not known.
    Asked = tuple[EvmCall | NativeCall | None, str | None]

EVENT: Final = "ProofPublished"
#: The problem of a record whose transaction called another contract than the registry.
ELSEWHERE: Final = "published through another contract: the transaction does not hold the proof"


@dataclass(frozen=True)
class Event:
    """One ``ProofPublished`` log of a registry of any kind.

    Attributes:
        key_digest, statement_digest, bundle_digest: as the publisher claims, 64 hex characters;
            of a native proof the last two are empty.
        publisher, verifier: checksummed addresses (EIP-55); of a native proof nobody names a
            verifier.
        verifier_code_hash: Keccak-256, 0x and 64 digits; of a native proof the circuit.
        previous_block: block of the record before, 0 for the first.
        block_number, log_index: place in the chain.
        transaction_hash: 0x and 64 digits.
    """

    key_digest: str
    statement_digest: str
    bundle_digest: str
    publisher: str
    verifier: str
    verifier_code_hash: str
    previous_block: int
    block_number: int
    log_index: int
    transaction_hash: str


class Registry(ABC):
    """One registry through one connection.

    Args:
        sender: the connection's.
        address: of the contract (EIP-55).
    """

    #: The shipped contract.
    NAME: ClassVar[str]
    #: Those that a publication runs.
    RUNS: ClassVar[tuple[str, ...]]

    def __init__(self, sender: Sender, address: str) -> None:
        self.address = address
        self.contract = contract(self.NAME, address, sender)

    @classmethod
    @abstractmethod
    def claims(cls, fields: Mapping[str, Any]) -> dict[str, str]:
        """Digests, publisher and verifier that an event names, as :class:`Event` calls them."""

    @abstractmethod
    def call_of(self, arguments: tuple[Any, ...]) -> tuple[Any, Mapping[str, Any]]:
        """What a call of ``publish`` has verified, and the fields that its event must have."""

    def acceptor(self, fields: Mapping[str, Any]) -> dict[str, str]:
        """What else is known of who accepted, as :class:`Published` calls it."""
        return {}

    @classmethod
    def event(cls, log: Log) -> Event:
        """A log of such a registry.

        Raises:
            MalformedError: not a ``ProofPublished`` event.
        """
        fields = interface(cls.NAME).event(log, EVENT)
        return Event(
            **cls.claims(fields),
            previous_block=int(fields["previousBlock"]),
            block_number=log.block_number,
            log_index=log.log_index,
            transaction_hash=log.transaction_hash,
        )

    @classmethod
    def topic(cls) -> bytes:
        """Topic 0 of its events."""
        return interface(cls.NAME).topic(EVENT)

    def created_in(self) -> int:
        """Block in which the registry was created."""
        return number(self.contract, "createdIn")

    def publish(self, arguments: Sequence[Any], confirm: Callable[[], object] | None) -> str:
        """Have the chain verify a proof and record that it did; hash of the transaction.

        Raises:
            ChainRejectedError, UnsupportedError, NetworkError: as
                :func:`verifai.chain.verdict.verdict`.
            SetupError: the signer cannot pay.
        """
        try:
            sent = self.contract.send("publish", *arguments, what="publishing")
        except RevertedError as refusal:
            sender = self.contract.sender
            raise verdict(sender, refusal, "publishing", self.RUNS, confirm) from None
        return "0x" + bytes(sent["transactionHash"]).hex()

    def records(self) -> Iterator[Published]:
        """All records up to the present block, oldest first; one that cannot be read has a problem.

        Raises:
            NetworkError: the node failed, or does not tell the whole history; what it tells comes
                before.
        """
        for log, fields in history(self.contract, EVENT):
            try:
                asked = self._call(log, fields)
            except Exception as error:
                asked = None, explained(error)
            yield self._record(log, fields, asked)

    def record(self, event: Event) -> Published:
        """The record that an event stands for.

        Raises:
            NetworkError: the node does not show the event any more, or not its transaction.
        """
        for log, fields in events(self.contract, EVENT, event.block_number, event.block_number):
            if log.log_index == event.log_index and self.event(log) == event:
                return self._record(log, fields, self._call(log, fields))
        raise NetworkError(
            f"The node at {self.contract.sender.url} does not show {event.transaction_hash} any "
            "more."
        )

    def find(
        self, record_id: bytes, named: Mapping[str, Any], call: EvmCall | None = None
    ) -> Published | None:
        """The record with an identifier, if there is one.

        Args:
            named: fields that its event must have.
            call: what it had verified, where fields do not tell records apart.

        Raises:
            NetworkError: the node failed, or does not show what the registry says it has.
        """
        block = number(self.contract, "publishedIn", record_id)
        for log, fields in events(self.contract, EVENT, block, block) if block else ():
            if any(fields[name] != value for name, value in named.items()):
                continue
            record = self._record(log, fields, self._call(log, fields))
            if call is None or record.call in (call, None):
                return record
        if block:
            raise incomplete(self.contract, f"the record in block {block} is missing")
        return None

    def _call(self, log: Log, fields: Mapping[str, Any]) -> Asked:
        """What the verifier was asked, or why the transaction does not say."""
        signed = shown(self.contract.sender, log.transaction_hash)
        if signed.recipient != self.address:
            return None, ELSEWHERE
        try:
            arguments = self.contract.interface.arguments("publish", signed.fields["data"])
        except MalformedError as error:
            return None, error.message
        call, told = self.call_of(arguments)
        told = {**told, "publisher": signed.sender}
        if any(fields[name] != value for name, value in told.items()):
            why = f"the event of {log.transaction_hash[:18]} contradicts its transaction"
            raise incomplete(self.contract, why)
        return call, None

    def _record(self, log: Log, fields: Mapping[str, Any], asked: Asked) -> Published:
        sender, (call, problem) = self.contract.sender, asked
        when, gas, reverted = _mined(sender, log.block_number, log.transaction_hash)
        return Published(
            **{**self.claims(fields), **self.acceptor(fields)},
            registry=self.address,
            block_number=log.block_number,
            block_time=when,
            transaction_hash=log.transaction_hash,
            gas_used=gas,
            chain_id=sender.chain_id,
            call=None if reverted else call,
            problem=reverted or problem,
        )


def _mined(
    sender: Sender, block: int, transaction: str
) -> tuple[int | None, int | None, str | None]:
    """UNIX time of a block and gas of a transaction, as the node says; None where it does not.

    And why there can be no record: the node says that the transaction reverted.
    """
    when = gas = problem = None
    with suppress(VerifaiError), node_errors("a block", sender.url):
        when = _told(sender.web3.eth.get_block(block)["timestamp"])
    with suppress(VerifaiError), node_errors("a receipt", sender.url):
        receipt = sender.web3.eth.get_transaction_receipt(transaction)  # type: ignore[arg-type]
        gas = _told(receipt["gasUsed"])
        if int(receipt.get("status", 1)) != 1:
            problem = (
                f"the node at {sender.url} says that the transaction reverted, and shows its event"
            )
    return when, gas, problem


def _told(value: Any) -> int | None:
    """A number that a node says, if it is one that there can be."""
    return value if type(value) is int and 0 <= value < 1 << 63 else None
