"""How far a watch has come, and what it would have to take back.

A block's number and hash say how far. The tail says what was delivered from the blocks that a
reorganisation can still reach, so that a watch that was stopped, and finds another chain when it
starts again, withdraws exactly what it had delivered.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from verifai.errors import MalformedError
from verifai.evm.logs import Log
from verifai.limits import Bound
from verifai.proof.codec import canonical_json, parse_canonical_json
from verifai.proof.files import read_regular, replace_file
from verifai.proof.plain import from_plain, to_plain

FORMAT: Final = 1
#: Blocks below the head that are remembered. Ethereum's are final after 64; this is four times it.
REORG_BLOCKS: Final = 256
#: Delivered logs that are remembered; beyond it the oldest go first, whatever their depth.
MAX_TAIL_LOGS: Final = 20_000
#: What so many logs take is some 20 MB.
MAX_CURSOR_BYTES: Final = Bound("MAX_CURSOR_BYTES", 1 << 30)


@dataclass(frozen=True)
class Checkpoint:
    """A block that was read.

    Attributes:
        number, hash: of the block; the hash as 0x and 64 hex digits.
        logs: delivered from it, in order.
        complete: whether that is all of them.
    """

    number: int
    hash: str
    logs: tuple[Log, ...] = ()
    complete: bool = True


@dataclass(frozen=True)
class Cursor:
    """A position between two events of a watch.

    Attributes:
        chain: ``eip155:N/0x<genesis hash>``.
        start: first block of the watch.
        tail: checkpoints, oldest first.
        whole: the tail reaches back to ``start``.
        last: block of the newest delivered event of each contract, where known.
    """

    chain: str
    start: int
    tail: tuple[Checkpoint, ...] = field(default=(), repr=False)
    whole: bool = True
    last: Mapping[str, int] = field(default_factory=dict, repr=False)

    @property
    def block_number(self) -> int:
        """Newest block that was read, wholly or in part; ``start - 1`` before the first."""
        return self.tail[-1].number if self.tail else self.start - 1

    @property
    def next_block(self) -> int:
        """The block to be read next."""
        if self.tail and not self.tail[-1].complete:
            return self.tail[-1].number
        return self.block_number + 1

    def after(self, log: Log, complete: bool) -> Cursor:
        """When ``log`` was delivered, the last of its block if ``complete``."""
        tail = self.tail
        earlier: tuple[Log, ...] = ()
        if tail and tail[-1].number == log.block_number:
            earlier, tail = tail[-1].logs, tail[:-1]
        reached = Checkpoint(log.block_number, log.block_hash, (*earlier, log), complete)
        last = {**self.last, log.address: log.block_number}
        return replace(self, tail=(*tail, reached), last=last)

    def at(self, number: int, block_hash: str) -> Cursor:
        """When a block was read to its end."""
        if self.tail and self.tail[-1].number == number:
            return replace(self, tail=(*self.tail[:-1], replace(self.tail[-1], complete=True)))
        return replace(self, tail=(*self.tail, Checkpoint(number, block_hash)))

    def without_last(self, previous: int | None) -> Cursor:
        """When the newest delivered log was withdrawn; ``previous`` is the block of the one before
        it in its contract, None if unknown."""
        *tail, top = self.tail
        while not top.logs:
            *tail, top = tail
        *logs, gone = top.logs
        last = {name: block for name, block in self.last.items() if name != gone.address}
        if previous is not None:
            last[gone.address] = previous
        # Not complete: should the chain come back to this block, what was withdrawn is read again.
        kept = [*tail, replace(top, logs=tuple(logs), complete=False)] if logs else tail
        return replace(self, tail=tuple(kept), last=last)

    def reopened(self) -> Cursor:
        """With the newest block to be read once more, for what it lacks."""
        return replace(self, tail=(*self.tail[:-1], replace(self.tail[-1], complete=False)))

    def cut(self, length: int) -> Cursor:
        """The tail's first ``length`` checkpoints; none of those cut off may hold logs."""
        return self if length == len(self.tail) else replace(self, tail=self.tail[:length])

    def pruned(self, head: int) -> Cursor:
        """Without what no reorganisation reaches from ``head``, bounded in any case."""
        drop, logs = 0, sum(len(item.logs) for item in self.tail)
        while drop < len(self.tail) - 1 and (
            self.tail[drop + 1].number <= head - REORG_BLOCKS or logs > MAX_TAIL_LOGS
        ):
            logs -= len(self.tail[drop].logs)
            drop += 1
        return replace(self, tail=self.tail[drop:], whole=False) if drop else self

    def to_bytes(self) -> bytes:
        return canonical_json({"format": FORMAT, **to_plain(self)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Cursor:
        """Strict inverse of :meth:`to_bytes`.

        Raises:
            MalformedError: something else.
        """
        value = parse_canonical_json(data)
        if not isinstance(value, dict) or value.pop("format", None) != FORMAT:
            raise MalformedError("Not a cursor of this version.")
        found: Cursor = from_plain(cls, value, "A cursor")
        if [item.number for item in found.tail] != sorted({item.number for item in found.tail}):
            raise MalformedError("A cursor's blocks ascend.")
        for item in found.tail:
            if any(
                (log.block_number, log.block_hash) != (item.number, item.hash) for log in item.logs
            ):
                raise MalformedError("A checkpoint's logs are of its block.")
        return found

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write atomically and return the path."""
        return replace_file(path, [self.to_bytes()])

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Cursor:
        """Read a saved cursor. Raises as :meth:`from_bytes`."""
        return cls.from_bytes(read_regular(path, MAX_CURSOR_BYTES))
