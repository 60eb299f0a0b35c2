"""What a registry holds, read from the chain's history alone: events first, then calldata.

Nothing here decides whether a record is honest; that is an audit's job. What is decided here is
whether the node tells the whole history: the contract counts its records and chains their blocks,
and an answer that leaves one out is an error, never a shorter list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from verifai.chain.artefacts import abi
from verifai.chain.node.faults import asking
from verifai.chain.registry import Event, Publication, checksum, event_topic
from verifai.errors import MalformedError, NetworkError

if TYPE_CHECKING:
    from web3 import Web3

    from verifai.backends import EvmCall
    from verifai.chain.native.publication import NativeCall
    from verifai.proof import Proof

#: Blocks asked for in one ``eth_getLogs``; public nodes allow 1,000 to 10,000. A node that refuses
#: is asked for half as many, down to one.
LOG_BLOCKS: Final = 5_000


@dataclass(frozen=True, repr=False)
class Published:
    """One record of a registry. The three digests are the publisher's claims, not findings.

    Attributes:
        key_digest, statement_digest, bundle_digest: as claimed, 64 hex characters; of a native
            proof the last two are empty.
        publisher: who sent it (address, EIP-55).
        verifier: the contract that accepted.
        verifier_code_hash: Keccak-256 of its code when it did, 0x and 64 digits.
        registry: the contract that recorded.
        block_number, block_time: the block, and its UNIX time in seconds.
        transaction_hash: 0x and 64 hex digits.
        gas_used: gas of that transaction.
        chain_id: CAIP-2, ``eip155:N``.
        call: what the verifier was asked; None where the transaction does not show it.
        problem: why ``call`` is None, else None.
    """

    key_digest: str
    statement_digest: str
    bundle_digest: str
    publisher: str
    verifier: str
    verifier_code_hash: str
    registry: str
    block_number: int
    block_time: int
    transaction_hash: str
    gas_used: int
    chain_id: str
    call: EvmCall | NativeCall | None = field(repr=False)
    problem: str | None = None

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
        """All records up to the present block, oldest first.

        Raises:
            NetworkError: the node failed, or its answers contradict each other.
        """
        with asking("the newest block", self._url):
            head = int(self._web3.eth.block_number)
        first = self._number("createdIn()", head)
        latest = self._number("latestIn()", head)
        count = self._number("count()", head)
        seen = previous = 0
        for event in self.events(first, latest) if count else ():
            # Within a block every record names the block itself, but for its first.
            if event.previous_block != previous:
                raise self._incomplete(f"the record before block {event.block_number} is missing")
            previous = event.block_number
            seen += 1
            yield self.record(event)
        if seen != count:
            raise self._incomplete(f"it gave {seen} records of {count}")

    def events(self, first: int, last: int) -> Iterator[Event]:
        """The registry's events in blocks ``first`` to ``last``, oldest first."""
        step = LOG_BLOCKS
        while first <= last:
            end = min(first + step - 1, last)
            try:
                found = self._logs(first, end)
            except NetworkError:
                if step == 1:
                    raise
                step = max(1, step // 4)
                continue
            yield from sorted(found, key=lambda event: (event.block_number, event.log_index))
            first = end + 1

    def find(self, publication: Publication) -> Published | None:
        """The record of exactly this publication, if there is one."""
        block = self._number("publishedIn(bytes32)", "latest", publication.record_id())
        for event in self.events(block, block) if block else ():
            record = self.record(event)
            claims = (record.verifier, record.key_digest, record.statement_digest)
            wanted = (publication.verifier, publication.key_digest, publication.statement_digest)
            # The identifier covers the call too: among equal claims the one that holds it is ours.
            if (
                claims == wanted
                and record.bundle_digest == publication.bundle_digest
                and record.call in (publication.call, None)
            ):
                return record
        if block:
            raise self._incomplete(f"the record in block {block} is missing")
        return None

    def created_in(self) -> int:
        """Block in which the registry was created."""
        return self._number("createdIn()", "latest")

    def record(self, event: Event) -> Published:
        """The record that an event stands for."""
        with asking("a published transaction", self._url):
            transaction = self._web3.eth.get_transaction(event.transaction_hash)  # type: ignore[arg-type]
            receipt = self._web3.eth.get_transaction_receipt(event.transaction_hash)  # type: ignore[arg-type]
            block = self._web3.eth.get_block(event.block_number)
            target = transaction.get("to")
            data = bytes(transaction["input"])
            when, gas = int(block["timestamp"]), int(receipt["gasUsed"])
        call: EvmCall | None = None
        problem: str | None = None
        if target is None or checksum(str(target)) != self._registry:
            problem = "published through another contract: the transaction does not hold the call"
        else:
            try:
                publication = Publication.from_calldata(data)
            except MalformedError as error:
                problem = error.message
            else:
                if _claims(publication) != _claims(event):
                    raise self._incomplete("an event contradicts its transaction")
                call = publication.call
        return Published(
            event.key_digest,
            event.statement_digest,
            event.bundle_digest,
            event.publisher,
            event.verifier,
            event.verifier_code_hash,
            self._registry,
            event.block_number,
            when,
            event.transaction_hash,
            gas,
            self._chain_id,
            call,
            problem,
        )

    def _logs(self, first: int, last: int) -> list[Event]:
        question: Any = {
            "address": self._registry,
            "fromBlock": first,
            "toBlock": last,
            "topics": ["0x" + event_topic().hex()],
        }
        with asking(f"events of blocks {first} to {last}", self._url):
            logs = list(self._web3.eth.get_logs(question))
        try:
            return [Event.from_log(log) for log in logs]
        except MalformedError as error:
            raise self._incomplete(error.message) from None

    def _number(self, signature: str, block: int | str, argument: bytes = b"") -> int:
        question: Any = {"to": self._registry, "data": abi.selector(signature) + argument}
        with asking(f"the registry's {signature}", self._url):
            answer = bytes(self._web3.eth.call(question, block))  # type: ignore[arg-type]
        if len(answer) != 32:
            raise self._incomplete(f"{signature} answered {len(answer)} bytes")
        return int.from_bytes(answer, "big")

    def _incomplete(self, why: str) -> NetworkError:
        return NetworkError(
            f"The node at {self._url} does not tell the whole history of {self._registry}: {why}.",
            hint="Ask another node: this one is pruned, still synchronising, or lying.",
        )


def _claims(source: Publication | Event) -> tuple[str, str, str, str]:
    return source.verifier, source.key_digest, source.statement_digest, source.bundle_digest
