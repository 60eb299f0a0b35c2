"""The history of a registry as a node tells it: all of it, or an error.

A registry counts its records and chains their blocks. So a node that leaves one out contradicts
itself, unless it leaves out the newest ones and tells an older state: which block is the newest is
its word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from verifai.errors import NetworkError, VerifaiError
from verifai.evm import abi
from verifai.evm.logs import EventSource, Log
from verifai.evm.node.faults import Reverted, asking

if TYPE_CHECKING:
    from web3 import Web3

T = TypeVar("T")

#: Blocks asked for in one ``eth_getLogs``; public nodes allow 1,000 to 10,000. A node that refuses
#: is asked for a quarter as many, down to one.
LOG_BLOCKS: Final = 5_000
#: Single blocks that may be unreadable before the rest of a history is given up.
UNREADABLE_BLOCKS: Final = 3
#: Times that the newest block is asked for, until no record comes meanwhile.
STATES: Final = 3
#: No chain is higher; a node that says so would have it searched for ever.
HIGHEST_BLOCK: Final = 1 << 33


def logs(
    web3: Web3,
    url: str,
    address: str,
    topics: Sequence[str],
    first: int,
    last: int,
    faults: list[str] | None = None,
) -> Iterator[Mapping[str, Any]]:
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
            found = _piece(web3, url, address, topics, first, end, faults)
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
    web3: Web3,
    url: str,
    address: str,
    topics: Sequence[str],
    first: int,
    last: int,
    faults: list[str] | None,
) -> list[Mapping[str, Any]]:
    what = f"events of blocks {first} to {last}"
    question: Any = {"address": address, "topics": list(topics)}
    question |= {"fromBlock": first, "toBlock": last}
    with asking(what, url):
        answer = list(web3.eth.get_logs(question))
    found = []
    for one in answer:
        try:
            with asking(what, url):
                log = Log.of(one)
                told = ["0x" + topic.hex() for topic in log.topics[: len(topics)]]
                if (log.address, told) != (address, list(topics)):
                    raise NetworkError(f"The node at {url} answers with another contract's events.")
                if not first <= log.block_number <= last:
                    raise NetworkError(f"The node at {url} answers with events of other blocks.")
        except VerifaiError as error:
            if faults is None:
                raise NetworkError(error.message) from None
            faults.append(error.message)
        else:
            found.append(log)
    found.sort(key=lambda log: (log.block_number, log.log_index))
    return [log.mapping() for log in found]


def history(web3: Web3, url: str, source: EventSource[T]) -> Iterator[tuple[Mapping[str, Any], T]]:
    """Every event of a registry up to the present block, oldest first, with the log it is from.

    What can be read comes first, whatever else the node does; what contradicts it is said at the
    end.

    Args:
        source: one registry, one topic, and where a record names the block of the one before it.

    Raises:
        NetworkError: the node failed, or does not tell the whole history.
    """
    (registry,), (topic,) = source.addresses, source.topics
    previous_block = source.previous_block
    assert previous_block is not None
    created, latest, count = _numbers(web3, url, registry)
    faults: list[str] = []
    seen = previous = 0
    place = (-1, -1)
    found = logs(web3, url, registry, ["0x" + topic.hex()], created, latest, faults)
    for log in found if count else ():
        here = (log["blockNumber"], log["logIndex"])
        try:
            event = source.decode(log)
        except VerifaiError as error:
            faults.append(error.message)
            continue
        if here <= place:
            faults.append(f"an event of block {here[0]} comes twice")
            continue
        # Within a block every record names the block itself, but for its first.
        if previous_block(event) != previous:
            faults.append(f"the record before block {here[0]} is missing")
        place, previous = here, here[0]
        seen += 1
        yield log, event
    if seen != count:
        faults.append(f"it gave {seen} records of {count}")
    if faults:
        raise incomplete(url, registry, faults[0])


def _numbers(web3: Web3, url: str, registry: str) -> tuple[int, int, int]:
    """Blocks of creation and of the newest record, and how many there are: all of one state.

    Raises:
        NetworkError: the node failed, or its newest block is not that of its latest state.
    """
    for _ in range(STATES):  # a record may come in between
        with asking("the newest block", url):
            head = int(web3.eth.block_number)
        if not 0 <= head <= HIGHEST_BLOCK:
            raise incomplete(url, registry, "no chain has so many blocks")
        created, latest, count = (
            number(web3, url, registry, signature, head)
            for signature in ("createdIn()", "latestIn()", "count()")
        )
        if number(web3, url, registry, "count()", "latest") != count:
            continue
        if max(created, latest) > head:
            raise incomplete(url, registry, "blocks beyond the newest one")
        if bool(latest) != bool(count):
            raise incomplete(url, registry, "it has records, and none")
        return created, latest, count
    raise incomplete(url, registry, "its newest block is not that of its latest state")


def number(
    web3: Web3, url: str, registry: str, signature: str, block: int | str, argument: bytes = b""
) -> int:
    """What a registry answers to a question for one number.

    Raises:
        NetworkError: the node failed, or answered something else.
    """
    question: Any = {"to": registry, "data": abi.selector(signature) + argument}
    try:
        with asking(f"the registry's {signature}", url):
            answer = bytes(web3.eth.call(question, block))  # type: ignore[arg-type]
    except Reverted as refused:
        raise incomplete(url, registry, f"{signature} reverted ({refused})") from None
    if len(answer) != 32:
        raise incomplete(url, registry, f"{signature} answered {len(answer)} bytes")
    return int.from_bytes(answer, "big")


def incomplete(url: str, registry: str, why: str) -> NetworkError:
    """The error for a node that leaves out records, or contradicts itself about them."""
    return NetworkError(
        f"The node at {url} does not tell the whole history of {registry}: {why.rstrip('.')}.",
        hint="Ask another node: this one is pruned, still synchronising, or lying.",
    )
