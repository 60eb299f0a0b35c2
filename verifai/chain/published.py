"""What a registry holds, read from the chain's history alone: events first, then calldata.

Nothing here decides whether a record is honest; that is an audit's job. What is decided here is
whether the node contradicts itself: :mod:`verifai.evm.history` says how records that are left out
are noticed, :mod:`verifai.evm.transactions.shown` how changed ones are. One that cannot be read
is a record with a problem, and hides no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from verifai.chain.registry import Event, Publication, event_topic
from verifai.errors import MalformedError, VerifaiError
from verifai.evm.history import history, incomplete, logs, number
from verifai.evm.logs import EventSource
from verifai.evm.node.faults import asking
from verifai.evm.transactions.shown import shown

if TYPE_CHECKING:
    from web3 import Web3

    from verifai.backends import EvmCall
    from verifai.chain.native.publication import NativeCall
    from verifai.proof import Proof

C = TypeVar("C")

#: The problem of a record whose transaction called another contract than the registry.
ELSEWHERE: Final = "published through another contract: the transaction does not hold the proof"


@dataclass(frozen=True, repr=False)
class Published:
    """One record of a registry. The three digests are the publisher's claims, not findings.

    Attributes:
        key_digest, statement_digest, bundle_digest: as claimed, 64 hex characters; of a native
            proof the last two are empty.
        publisher: who sent it (address, EIP-55); where there is a call, who signed it.
        verifier: the contract that accepted; of a native proof, the one that the router has for
            the system, empty if it has none.
        verifier_code_hash: Keccak-256 of its code when it did, 0x and 64 digits; of a native proof
            the circuit's identifier, which is that of its table.
        registry: the contract that recorded.
        block_number: the block, as the node says.
        block_time: its UNIX time in seconds, as the node says; None if it does not.
        transaction_hash: 0x and 64 hex digits.
        gas_used: gas of that transaction, as the node says; None if it does not.
        chain_id: CAIP-2, ``eip155:N``.
        call: what the verifier was asked; None where the transaction does not show it.
        problem: why ``call`` is None, else None.
        system: the proof system's four bytes in the router, 0x and 8 digits; empty of others than
            native proofs.
        router: the contract that the registry of native proofs asks; empty of others.
    """

    key_digest: str
    statement_digest: str
    bundle_digest: str
    publisher: str
    verifier: str
    verifier_code_hash: str
    registry: str
    block_number: int
    block_time: int | None
    transaction_hash: str
    gas_used: int | None
    chain_id: str
    call: EvmCall | NativeCall | None = field(repr=False)
    problem: str | None = None
    system: str = ""
    router: str = ""

    def __repr__(self) -> str:
        problem = f", problem: {self.problem}" if self.problem else ""
        what = f"bundle {self.bundle_digest[:12]}" if self.bundle_digest else "native proof"
        return (
            f"Published({what}, key {self.key_digest[:12]}, "
            f"block {self.block_number} of {self.chain_id}{problem})"
        )

    def named(self, bundle: Proof) -> Published:
        """The record with its bundle's digests, which the event of a native proof does not claim.

        Args:
            bundle: from :meth:`verifai.chain.Chain.bundle`.

        Raises:
            MalformedError: the record claims other digests.
        """
        digests = (bundle.statement.digest, bundle.digest)
        if (self.statement_digest, self.bundle_digest) not in (digests, ("", "")):
            raise MalformedError("The record claims the digests of another bundle.")
        return replace(self, statement_digest=digests[0], bundle_digest=digests[1])


class Reader:
    """Reads one registry through one node.

    Args:
        web3: the client.
        registry: address of the contract.
        chain_id: CAIP-2.
        url: how messages name the node.
    """

    def __init__(self, web3: Web3, registry: str, chain_id: str, url: str) -> None:
        self._web3 = web3
        self._registry = registry
        self._chain_id = chain_id
        self._url = url

    def records(self) -> Iterator[Published]:
        """All records up to the present block, oldest first; one that cannot be read has a problem.

        Raises:
            NetworkError: the node failed, or does not tell the whole history; what it tells comes
                before.
        """
        source = EventSource(
            (self._registry,),
            (event_topic(),),
            Event.from_log,
            previous_block=lambda event: event.previous_block,
        )
        for _, event in history(self._web3, self._url, source):
            yield self._record(event, *without_fault(partial(self._call, event)))

    def events(self, first: int, last: int) -> Iterator[Event]:
        """The registry's events in blocks ``first`` to ``last``, oldest first."""
        topics = ["0x" + event_topic().hex()]
        for log in logs(self._web3, self._url, self._registry, topics, first, last):
            try:
                yield Event.from_log(log)
            except MalformedError as error:
                raise incomplete(self._url, self._registry, error.message) from None

    def find(self, publication: Publication) -> Published | None:
        """The record of exactly this publication, if there is one."""
        id_ = publication.record_id()
        block = self._number("publishedIn(bytes32)", id_)
        for event in self.events(block, block) if block else ():
            if _claims(event) != _claims(publication):
                continue
            record = self.record(event)
            # The identifier covers the call too: among equal claims the one that holds it is ours.
            if record.call in (publication.call, None):
                return record
        if block:
            why = f"the record in block {block} is missing"
            raise incomplete(self._url, self._registry, why)
        return None

    def created_in(self) -> int:
        """Block in which the registry was created."""
        return self._number("createdIn()")

    def record(self, event: Event) -> Published:
        """The record that an event stands for.

        Raises:
            NetworkError: the node does not show its transaction, or contradicts itself.
        """
        return self._record(event, *self._call(event))

    def _call(self, event: Event) -> tuple[EvmCall | None, str | None]:
        """What the verifier was asked, or why the transaction does not say."""
        signed = shown(self._web3, self._url, event.transaction_hash, self._chain_id)
        if signed.recipient != self._registry:
            return None, ELSEWHERE
        try:
            publication = Publication.from_calldata(signed.fields["data"])
        except MalformedError as error:
            return None, error.message
        if (_claims(publication), signed.sender) != (_claims(event), event.publisher):
            why = f"the event of {event.transaction_hash[:18]} contradicts its transaction"
            raise incomplete(self._url, self._registry, why)
        return publication.call, None

    def _record(self, event: Event, call: EvmCall | None, problem: str | None) -> Published:
        when, gas, reverted = mined(
            self._web3, self._url, event.block_number, event.transaction_hash
        )
        return Published(
            key_digest=event.key_digest,
            statement_digest=event.statement_digest,
            bundle_digest=event.bundle_digest,
            publisher=event.publisher,
            verifier=event.verifier,
            verifier_code_hash=event.verifier_code_hash,
            registry=self._registry,
            block_number=event.block_number,
            block_time=when,
            transaction_hash=event.transaction_hash,
            gas_used=gas,
            chain_id=self._chain_id,
            call=None if reverted else call,
            problem=reverted or problem,
        )

    def _number(self, signature: str, argument: bytes = b"") -> int:
        return number(self._web3, self._url, self._registry, signature, "latest", argument)


def without_fault(call: Callable[[], tuple[C | None, str | None]]) -> tuple[C | None, str | None]:
    """The call of a record and its problem; whatever goes wrong is the problem of this one."""
    try:
        return call()
    except VerifaiError as error:
        return None, error.message
    except Exception as error:
        return None, f"internal error, please report it: {type(error).__name__}: {error}"


def mined(
    web3: Web3, url: str, block: int, transaction: str
) -> tuple[int | None, int | None, str | None]:
    """UNIX time of a block and gas of a transaction, as the node says; None where it does not.

    And why there can be no record: the node says that the transaction reverted.
    """
    when: int | None = None
    gas: int | None = None
    problem: str | None = None
    with suppress(VerifaiError), asking("a block", url):
        when = _told(web3.eth.get_block(block)["timestamp"])
    with suppress(VerifaiError), asking("a receipt", url):
        receipt = web3.eth.get_transaction_receipt(transaction)  # type: ignore[arg-type]
        gas = _told(receipt["gasUsed"])
        if int(receipt.get("status", 1)) != 1:
            problem = f"the node at {url} says that the transaction reverted, and shows its event"
    return when, gas, problem


def _told(value: Any) -> int | None:
    """A number that a node says, if it is one that there can be."""
    return value if type(value) is int and 0 <= value < 1 << 63 else None


def _claims(source: Publication | Event) -> tuple[str, str, str, str]:
    return source.verifier, source.key_digest, source.statement_digest, source.bundle_digest
