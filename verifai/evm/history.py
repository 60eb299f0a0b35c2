"""The history of a registry as a node tells it: all of it, or an error.

A registry counts its records and chains their blocks. So a node that leaves one out contradicts
itself, unless it leaves out the newest ones and tells an older state: which block is the newest is
its word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from verifai.errors import MalformedError, NetworkError, VerifaiError
from verifai.evm.contract import Contract
from verifai.evm.logs import Log
from verifai.evm.node.faults import RevertedError

#: Times that the newest block is asked for, until no record comes meanwhile.
STATES: Final = 3
#: No chain is higher; a node that says so would have it searched for ever.
HIGHEST_BLOCK: Final = 1 << 33


def history(registry: Contract, event: str) -> Iterator[tuple[Log, Mapping[str, Any]]]:
    """Every event of a registry up to the present block, oldest first: the log, and its fields.

    What can be read comes first, whatever else the node does; what contradicts it is said at the
    end.

    Args:
        registry: a contract with the functions ``createdIn``, ``latestIn`` and ``count``.
        event: its name; its field ``previousBlock`` is the block of the event before it.

    Raises:
        NetworkError: the node failed, or does not tell the whole history.
    """
    created, latest, count = _numbers(registry)
    faults: list[str] = []
    seen = previous = 0
    place = (-1, -1)
    found = registry.logs(event, created, latest, faults=faults)
    for log in found if count else ():
        here = (log.block_number, log.log_index)
        try:
            fields = registry.interface.event(log, event)
        except VerifaiError as error:
            faults.append(error.message)
            continue
        if here <= place:
            faults.append(f"an event of block {here[0]} comes twice")
            continue
        # Within a block every record names the block itself, but for its first.
        if fields["previousBlock"] != previous:
            faults.append(f"the record before block {here[0]} is missing")
        place, previous = here, here[0]
        seen += 1
        yield log, fields
    if seen != count:
        faults.append(f"it gave {seen} records of {count}")
    if faults:
        raise incomplete(registry, faults[0])


def events(
    contract: Contract, event: str, first: int, last: int | None, *topics: str
) -> Iterator[tuple[Log, Mapping[str, Any]]]:
    """The events of some blocks, oldest first; arguments as of :meth:`Contract.logs`.

    Raises:
        NetworkError: the node failed, or shows what is no such event.
    """
    for log in contract.logs(event, first, last, *topics):
        try:
            fields = contract.interface.event(log, event)
        except MalformedError as error:
            raise incomplete(contract, error.message) from None
        yield log, fields


def _numbers(registry: Contract) -> tuple[int, int, int]:
    """Blocks of creation and of the newest record, and how many there are: all of one state.

    Raises:
        NetworkError: the node failed, or its newest block is not that of its latest state.
    """
    for _ in range(STATES):  # a record may come in between
        head = registry.sender.newest_block()
        if not 0 <= head <= HIGHEST_BLOCK:
            raise incomplete(registry, "no chain has so many blocks")
        created, latest, count = (
            number(registry, name, block=head) for name in ("createdIn", "latestIn", "count")
        )
        if number(registry, "count") != count:
            continue
        if max(created, latest) > head:
            raise incomplete(registry, "blocks beyond the newest one")
        if bool(latest) != bool(count):
            raise incomplete(registry, "it has records, and none")
        return created, latest, count
    raise incomplete(registry, "its newest block is not that of its latest state")


def number(registry: Contract, function: str, *arguments: Any, block: int | str = "latest") -> int:
    """What a registry answers to a question for one number.

    Raises:
        NetworkError: the node failed, or answered something else.
    """
    try:
        return int(registry.call(function, *arguments, block=block))
    except RevertedError as refused:
        raise incomplete(registry, f"{function} reverted ({refused})") from None
    except MalformedError as error:
        raise incomplete(registry, error.message) from None


def incomplete(contract: Contract, why: str) -> NetworkError:
    """The error for a node that leaves out events, or contradicts itself about them."""
    return NetworkError(
        f"The node at {contract.sender.url} does not tell the whole history of "
        f"{contract.address}: {why.rstrip('.')}.",
        hint="Ask another node: this one is pruned, still synchronising, or lying.",
    )
