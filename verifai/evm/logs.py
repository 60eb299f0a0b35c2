"""A contract's logs, asked for in pieces, and what makes records of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from verifai.errors import NetworkError, VerifaiError
from verifai.evm.abi import checksum
from verifai.evm.node.faults import node_errors

if TYPE_CHECKING:
    from verifai.evm.transactions.sender import Sender

T = TypeVar("T")

#: Blocks asked for in one ``eth_getLogs``; public nodes allow 1,000 to 10,000. A node that refuses
#: is asked for a quarter as many, down to one.
LOG_BLOCKS: Final = 5_000
#: Single blocks that may be unreadable before the rest of a history is given up.
UNREADABLE_BLOCKS: Final = 3


@dataclass(frozen=True)
class Log:
    """One log of a mined transaction.

    Attributes:
        address: of the contract (EIP-55).
        topics: 32 bytes each.
        data: ABI-encoded.
        block_number, log_index: place in the chain.
        block_hash, transaction_hash: 0x and 64 hex digits.
    """

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: str
    log_index: int
    transaction_hash: str

    @classmethod
    def of(cls, log: Mapping[str, Any]) -> Log:
        """A log as web3 gives it."""
        return cls(
            checksum(str(log["address"])),
            tuple(bytes(topic) for topic in log["topics"]),
            bytes(log["data"]),
            int(log["blockNumber"]),
            "0x" + bytes(log["blockHash"]).hex(),
            int(log["logIndex"]),
            "0x" + bytes(log["transactionHash"]).hex(),
        )


@dataclass(frozen=True)
class EventSource(Generic[T]):
    """Which logs to read, and how one becomes a record.

    Attributes:
        addresses: contracts, at least one (EIP-55).
        topics: values of topic 0, any of which will do; empty for all events.
        decode: a log to a record; a pure function that raises
            MalformedError for anything else than its events.
        first_block: no event is older.
        previous_block: the block that a record names as that of the record before it in its
            contract, 0 for the first; None where the contract does not chain its records. With it
            a node that leaves out a contract's events of a block is caught, if not one that
            leaves out some of them.
    """

    addresses: tuple[str, ...]
    topics: tuple[bytes, ...]
    decode: Callable[[Log], T]
    first_block: int = 0
    previous_block: Callable[[T], int] | None = None


def logs(
    sender: Sender,
    address: str,
    topics: Sequence[str],
    first: int,
    last: int,
    faults: list[str] | None = None,
) -> Iterator[Log]:
    """A contract's logs in blocks ``first`` to ``last``, oldest first, asked for in pieces.

    Args:
        topics: topic 0 and those after it, 0x and 64 digits each.
        faults: where what cannot be read is noted and passed over; None makes it an error.

    Raises:
        NetworkError: the node refuses even single blocks, or answers what was not asked for.
    """
    step, unreadable = LOG_BLOCKS, 0
    while first <= last:
        end = min(first + step - 1, last)
        try:
            found = _piece(sender, address, topics, range(first, end + 1), faults)
        except NetworkError as error:
            if first < end:
                step = max(1, step // 4)
                continue
            unreadable += 1
            if faults is None or unreadable > UNREADABLE_BLOCKS:
                raise
            faults.append(error.message)
        else:
            yield from found
            step = min(4 * step, LOG_BLOCKS)
        first = end + 1


def _piece(
    sender: Sender, address: str, topics: Sequence[str], blocks: range, faults: list[str] | None
) -> list[Log]:
    what = f"events of blocks {blocks[0]} to {blocks[-1]}"
    question: Any = {"address": address, "topics": list(topics)}
    question |= {"fromBlock": blocks[0], "toBlock": blocks[-1]}
    with node_errors(what, sender.url):
        answer = list(sender.web3.eth.get_logs(question))
    found = []
    for one in answer:
        try:
            with node_errors(what, sender.url):
                log = Log.of(one)
                told = ["0x" + topic.hex() for topic in log.topics[: len(topics)]]
                wrong = f"The node at {sender.url} answers with"
                if (log.address, told) != (address, list(topics)):
                    raise NetworkError(f"{wrong} another contract's events.")
                if log.block_number not in blocks:
                    raise NetworkError(f"{wrong} events of other blocks.")
        except VerifaiError as error:
            if faults is None:
                raise NetworkError(error.message) from None
            faults.append(error.message)
        else:
            found.append(log)
    found.sort(key=lambda log: (log.block_number, log.log_index))
    return found
