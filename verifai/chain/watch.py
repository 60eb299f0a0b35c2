"""A contract's events as they happen, through reorganisations, restarts and bad nodes.

Every event of the canonical chain is delivered once, in order. One that was delivered and then
fell to a reorganisation is *withdrawn*, newest first, before anything of the new chain is
delivered. A block is known by its hash: before each step the newest block that was read is looked
up again, and what was read in between is kept only if it still stands afterwards.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

from verifai.chain.cursor import REORG_BLOCKS, Cursor
from verifai.errors import MalformedError, NetworkError, NetworkTimeoutError, UsageError
from verifai.evm.arguments import number_argument
from verifai.evm.logs import EventSource, Log
from verifai.evm.node.faults import node_errors

if TYPE_CHECKING:
    from verifai.evm.transactions.sender import Sender

T = TypeVar("T")

#: Where an event is, as both its log and who sees it call it.
_PLACE: Final = ("address", "block_number", "block_hash", "log_index", "transaction_hash")
#: Blocks asked for at once at most; a node that refuses is asked for fewer.
MAX_BLOCKS: Final = 5_000
#: Logs taken at once at most, which bounds memory; the span of blocks shrinks to it.
MAX_LOGS: Final = 10_000
#: The pause between two looks at a quiet chain grows up to this, unless the caller says otherwise.
POLL_SECONDS: Final = 4.0
#: The pause after a failure grows up to this.
MAX_PAUSE_SECONDS: Final = 30.0
#: How long a single look puts up with failures.
ONCE_SECONDS: Final = 30.0
#: Fewer blocks than this are read one by one, by their hashes.
EXACT_BLOCKS: Final = 4
#: The first pause; each that follows without news is twice as long.
FIRST_PAUSE_SECONDS: Final = 0.25


class HistoryLostError(NetworkError):
    """The node's chain is not one that the watch can continue on: another genesis, or a
    reorganisation deeper than is remembered."""


class _MovedError(Exception):
    """The chain was reorganised while it was read, or the node contradicted itself: read again."""


@dataclass(frozen=True)
class Seen(Generic[T]):
    """One event.

    Attributes:
        kind: ``new``, or ``withdrawn`` for one that was ``new`` before and is no part of the chain
            any more.
        record: what the source's ``decode`` made of it.
        address: of the contract.
        block_number, block_hash, log_index, transaction_hash: its place; hashes with 0x.
        cursor: continue from here, and this event is not delivered again.
    """

    kind: Literal["new", "withdrawn"]
    record: T
    address: str
    block_number: int
    block_hash: str
    log_index: int
    transaction_hash: str
    cursor: Cursor = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """One JSON object, without the cursor."""
        record: Any = self.record
        shown = asdict(record) if is_dataclass(record) and not isinstance(record, type) else record
        place = {name: getattr(self, name) for name in _PLACE}
        return {"kind": self.kind, **place, "record": shown}


class Watcher(Generic[T]):
    """Iterate over it: :class:`Seen` events, for ever unless ``once``.

    Args:
        sender: through whom the node is asked.
        source: which logs.
        since: a block to start at, a cursor to continue from, or None for all history.
        confirmations: deliver an event when its block is this deep, its own counted; 1 at once.
        once: end when everything up to now is delivered.
        poll_seconds: longest pause between two looks at a quiet chain.
        patience_seconds: give up when the node has failed for so long; None never, or after
            ``ONCE_SECONDS`` if ``once``.
        path: a file to continue from, and to keep the cursor in. It is written when the next event
            is asked for, so that a process that dies sees the event in its hands once more; save
            ``Seen.cursor`` together with your own effects for exactly once.

    Attributes:
        cursor: the position.
        head: newest block of the chain at the last look, or None.
        fault: what is wrong with the node at present, or None.

    Raises:
        UsageError: an argument out of range, or a cursor of another chain.
        MalformedError: ``path`` holds something else.
        HistoryLostError: while iterating.
        NetworkError: while iterating, after ``patience_seconds`` of failure.
    """

    def __init__(
        self,
        sender: Sender,
        source: EventSource[T],
        *,
        since: int | Cursor | None = None,
        confirmations: int = 1,
        once: bool = False,
        poll_seconds: float = POLL_SECONDS,
        patience_seconds: float | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        number_argument(confirmations, "confirmations", 1)
        if since is not None and not isinstance(since, Cursor):
            number_argument(since, "since")
        if not (poll_seconds > 0 and source.addresses):
            raise UsageError("A watch needs an address and poll_seconds above 0.")
        if patience_seconds is not None and not patience_seconds >= 0:
            raise UsageError("patience_seconds is a number from 0.")
        self._sender, self._url, self._source = sender, sender.url, source
        self._confirmations, self._once = confirmations, once
        self._poll = poll_seconds
        self._patience = ONCE_SECONDS if once and patience_seconds is None else patience_seconds
        self._path = None if path is None else Path(path)
        self._step = MAX_BLOCKS
        # All but the embedded chain find logs by block hash (EIP-234).
        self._exact = sender.url != "embedded"
        self.head: int | None = None
        self.fault: str | None = None
        if self._path is not None and self._path.exists():
            self.cursor = Cursor.load(self._path)
        elif isinstance(since, Cursor):
            self.cursor = since
        else:
            start = source.first_block if since is None else since
            # All history: before the first event of each contract there is none.
            last = {} if start > source.first_block else dict.fromkeys(source.addresses, 0)
            self.cursor = Cursor(sender.chain, start, last=last)
        self._saved: Cursor | None = None
        if self.cursor.chain != sender.chain:
            raise UsageError(
                f"The cursor is of {self.cursor.chain[:30]}..., the node of {sender.chain[:30]}...",
                hint="Remove the cursor to start anew on this chain.",
            )

    def __iter__(self) -> Iterator[Seen[T]]:
        pause, unsure = FIRST_PAUSE_SECONDS, True
        failing_since: float | None = None
        while True:
            before = self.cursor
            try:
                if unsure:
                    self._same_chain()
                    unsure = False
                self.head = self._sender.newest_block()
                yield from self._withdrawn(self.head)
                yield from self._new(self.head)
                self.fault, failing_since = None, None
                if self._once:
                    self._save()
                    return
                longest = self._poll
            except HistoryLostError:
                raise
            except (_MovedError, NetworkError) as error:
                now = time.monotonic()
                failing_since = now if failing_since is None else failing_since
                self.fault = str(error) if isinstance(error, _MovedError) else error.message
                if self._patience is not None and now - failing_since > self._patience:
                    raise NetworkTimeoutError(
                        f"Gave up watching at {self._url} after {self._patience:g} s: {self.fault}",
                        hint="Start again from the cursor: nothing is missed.",
                    ) from None
                unsure, longest = True, MAX_PAUSE_SECONDS
            self._save()
            pause = FIRST_PAUSE_SECONDS if self.cursor != before else min(2 * pause, longest)
            time.sleep(min(pause, longest))

    def _withdrawn(self, head: int) -> Iterator[Seen[T]]:
        """Take back what no longer stands."""
        tail, keep, fallen = self.cursor.tail, len(self.cursor.tail), False
        while keep > 0:
            # A block above the head may be one that this node does not have yet: that alone takes
            # nothing back. If one below it has fallen, so have all above.
            if tail[keep - 1].number <= head:
                if self._hash(tail[keep - 1].number) == tail[keep - 1].hash:
                    break
                fallen = True
            keep -= 1
        if not fallen:
            return
        if keep == 0 and not self.cursor.whole:
            raise HistoryLostError(
                f"A reorganisation at {self._url} reaches below block {tail[0].number}, deeper "
                f"than is remembered (REORG_BLOCKS, {REORG_BLOCKS}).",
                hint="Start anew without the cursor.",
            )
        for checkpoint in reversed(tail[keep:]):
            for log in reversed(checkpoint.logs):
                record = self._record(log)
                chained = self._source.previous_block
                before = self.cursor.without_last(chained(record) if chained else None)
                yield from self._deliver("withdrawn", log, record, before)
        self.cursor = self.cursor.cut(keep)

    def _new(self, head: int) -> Iterator[Seen[T]]:
        """Deliver what is deep enough."""
        last = head - self._confirmations + 1
        while (first := self.cursor.next_block) <= last:
            end = min(first + self._step - 1, last)
            if self._exact and end - first < EXACT_BLOCKS:
                end = first
            try:
                block_hash, logs = self._read(first, end, head)
            except NetworkError:
                if self._step == 1:
                    raise
                self._step = max(1, self._step // 4)
                continue
            if len(logs) > MAX_LOGS and end > first:
                self._step = max(1, self._step // 4)
                continue
            self._step = min(2 * self._step, MAX_BLOCKS)  # what was refused once may pass again
            partial = self.cursor.tail[-1] if first == self.cursor.block_number else None
            if partial and any(log not in logs for log in partial.logs):
                raise _MovedError("the node left out an event that it told before")
            for place, log in enumerate(logs):
                if partial and log in partial.logs:
                    continue
                record = self._record(log)
                self._check_chained(log, record)
                following = logs[place + 1].block_number if place + 1 < len(logs) else None
                after = self.cursor.after(log, following != log.block_number)
                yield from self._deliver("new", log, record, after.pruned(head))
            self.cursor = self.cursor.at(end, block_hash).pruned(head)

    def _deliver(
        self, kind: Literal["new", "withdrawn"], log: Log, record: T, cursor: Cursor
    ) -> Iterator[Seen[T]]:
        self.cursor = cursor
        place: dict[str, Any] = {name: getattr(log, name) for name in _PLACE}
        yield Seen(kind, record, cursor=cursor, **place)
        self._save()

    def _read(self, first: int, end: int, head: int) -> tuple[str, list[Log]]:
        """Hash of block ``end``, and the logs of the blocks, in order.

        Raises:
            _MovedError: the chain changed meanwhile.
        """
        block_hash = self._hash(end)
        if block_hash is None:
            raise NetworkError(f"The node at {self._url} has no block {end}, but newer ones.")
        question: dict[str, Any] = {"address": list(self._source.addresses)}
        if self._source.topics:
            question["topics"] = [["0x" + topic.hex() for topic in self._source.topics]]
        if self._exact and first == end:
            # By hash (EIP-234), because a node behind the others answers a range with nothing.
            question["blockHash"] = block_hash
        else:
            question |= {"fromBlock": first, "toBlock": end}
        with node_errors(f"events of blocks {first} to {end}", self._url):
            found = list(self._sender.web3.eth.get_logs(question))  # type: ignore[arg-type]
        try:
            logs = [Log.of(log) for log in found if not log.get("removed")]
        except (MalformedError, KeyError, TypeError, ValueError):
            raise NetworkError(f"The node at {self._url} answers with broken logs.") from None
        logs.sort(key=lambda log: (log.block_number, log.log_index))
        hashes = {log.block_number: log.block_hash for log in logs}
        if any(hashes[log.block_number] != log.block_hash for log in logs) or any(
            not first <= number <= end for number in hashes
        ):
            raise _MovedError("the node mixed two chains in one answer")
        if hashes.get(end, block_hash) != block_hash:
            raise _MovedError("the chain was reorganised while it was read")
        # What these blocks stand on is still what was read before.
        stand = {number: hashes[number] for number in hashes if number > head - REORG_BLOCKS}
        stand |= {end: block_hash} | {item.number: item.hash for item in self.cursor.tail[-1:]}
        if any(self._hash(number) != wanted for number, wanted in stand.items()):
            raise _MovedError("the chain was reorganised while it was read")
        return block_hash, logs

    def _record(self, log: Log) -> T:
        try:
            return self._source.decode(log)
        except MalformedError as error:
            raise HistoryLostError(
                f"The node at {self._url} gave an event that {log.address} does not make: "
                f"{error.message}"
            ) from None

    def _check_chained(self, log: Log, record: T) -> None:
        """Catch an event that was left out: go back to where it must be, and read again."""
        chained = self._source.previous_block
        last = self.cursor.last.get(log.address)
        if chained is None or last is None or chained(record) == last:
            return
        missing, tail = chained(record), self.cursor.tail
        why = f"the node left out an event of {log.address} in block {missing}"
        keep = max((n for n, item in enumerate(tail, 1) if item.logs), default=0)
        if keep and missing >= tail[keep - 1].number:
            self.cursor = self.cursor.cut(keep).reopened()
        elif keep == 0 and self.cursor.whole:
            self.cursor = self.cursor.cut(0)
        elif missing <= self.cursor.block_number:
            raise HistoryLostError(f"At {self._url}: {why}.", hint="Start anew without the cursor.")
        raise _MovedError(why)

    def _hash(self, number: int) -> str | None:
        from web3.exceptions import BlockNotFound

        with node_errors(f"block {number}", self._url):
            try:
                return "0x" + bytes(self._sender.web3.eth.get_block(number)["hash"]).hex()
            except BlockNotFound:
                return None

    def _same_chain(self) -> None:
        number, genesis = self._sender.identity()
        chain = f"eip155:{number}/{genesis}"
        if chain != self.cursor.chain:
            raise HistoryLostError(
                f"The node at {self._url} is on another chain now: {chain[:40]}...",
                hint="Start anew without the cursor, if that is meant.",
            )

    def _save(self) -> None:
        if self._path is not None and self.cursor is not self._saved:
            self.cursor.save(self._path)
            self._saved = self.cursor

    def __repr__(self) -> str:
        state = f", {self.fault}" if self.fault else ""
        return f"Watcher(block {self.cursor.block_number} of {self.head}{state})"
