"""The embedded chain's memory between processes: an append-only file of its blocks.

Line 1 is the genesis: ``{"chain":..., "format":2, "time":...}``. Every further line is one mined
block: ``{"hash":..., "time":..., "transactions":["...", ...]}`` with the raw signed transactions in
hex.
A chain that replays them must come to the same block hashes, which cover transactions, results and
everything before, so that no change to the file goes unnoticed except the loss of whole lines from
its end. Lines are canonical JSON.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from verifai.errors import FileAccessError, MalformedError, SetupError, UsageError
from verifai.proof.codec import canonical_json, exact_fields, parse_canonical_json
from verifai.proof.plain import from_plain, to_plain

FORMAT: Final = 2
#: How long to wait for another process that has the journal open; publishing takes seconds.
LOCK_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Block:
    """One line: block hash (64 hex characters), time (UNIX seconds), raw signed transactions."""

    hash: str
    time: int
    transactions: tuple[bytes, ...]

    def line(self) -> bytes:
        return canonical_json(to_plain(self)) + b"\n"


class Journal:
    """A journal file, locked against every other writer for as long as it is open.

    Args:
        path: the file; made if missing.
        lock_seconds: how long to wait for another process that has it open.
        read_only: write nothing; the file must exist, and others may read it at the same time.

    Attributes:
        genesis_time: timestamp of block 0.

    Raises:
        SetupError: another process has it open, or it cannot be written.
        MalformedError: not a journal.
        UsageError: there is none to read.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        lock_seconds: float = LOCK_SECONDS,
        read_only: bool = False,
    ) -> None:
        self.path = Path(path).absolute()
        self._behind = False
        self._owner = os.getpid()
        self._read_only = read_only
        flags = os.O_RDONLY if read_only else os.O_RDWR | os.O_CREAT
        try:
            if not read_only:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self.path, flags | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            raise UsageError(
                f"There is no journal at {self.path}, so nothing was published there.",
                hint="Publishing makes one; a node's URL reads another chain.",
            ) from None
        except OSError as error:
            raise FileAccessError(
                f"Cannot open the journal {self.path}: {error.strerror or error}."
            ) from None
        try:
            if not stat.S_ISREG(os.fstat(self._handle).st_mode):
                raise MalformedError(f"{self.path} is not a journal of the embedded chain.")
            self._lock(lock_seconds)
            if os.fstat(self._handle).st_size == 0 and not read_only:
                header = {"chain": "embedded", "format": FORMAT, "time": int(time.time())}
                self._append(canonical_json(header) + b"\n")
            with os.fdopen(os.dup(self._handle), "rb") as file:
                file.seek(0)
                *self._lines, rest = file.read().split(b"\n")
            self.genesis_time = self._genesis()  # first: of another file no line is "damaged"
            if rest:
                raise self.damaged(len(self._lines) + 1, "it ends in the middle of a line.")
        except BaseException:
            os.close(self._handle)
            raise

    def blocks(self) -> Iterator[Block]:
        """The blocks in the file when it was opened, oldest first.

        Raises:
            MalformedError: a line that is no block; the message names it.
        """
        for number, line in enumerate(self._lines[1:], start=2):
            try:
                block: Block = from_plain(Block, parse_canonical_json(line), "A block")
            except MalformedError as error:
                raise self.damaged(number, error.message) from None
            yield block
        self._lines = []

    def append(self, block: Block) -> None:
        """Add a block; on return it is on disk.

        Raises:
            SetupError: the disk refused; the file is as it was before, and takes no further
                block, because the chain in memory is now ahead of it.
            UsageError: it was opened for reading, or by the process that this one was forked from.
        """
        if self._read_only:
            raise UsageError(f"The journal {self.path} was opened for reading only.")
        if self._owner != os.getpid():  # the lock went along with the fork and keeps nobody out
            raise UsageError(
                f"The journal {self.path} was opened by another process, from which this one was "
                "forked.",
                hint="Publish in the process that connected, or connect in one process at a time.",
            )
        if self._behind:
            raise SetupError(
                f"The journal {self.path} lacks a block that could not be written.",
                hint="Connect again: the chain is then what the journal holds.",
            )
        self._behind = True
        self._append(block.line())
        self._behind = False

    def damaged(self, line: int, why: str) -> MalformedError:
        """The error for a line that is not what the chain wrote."""
        return MalformedError(
            f"The journal {self.path} is damaged at line {line}: {why}",
            hint=f"Restore it from a copy; lines 1 to {line - 1} are sound, and a journal cut "
            "there is a valid, shorter chain.",
            line=line,
        )

    def close(self) -> None:
        """Unlock and close; harmless when repeated."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _lock(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                kind = fcntl.LOCK_SH if self._read_only else fcntl.LOCK_EX
                fcntl.flock(self._handle, kind | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise SetupError(
                        f"Another process has the journal {self.path} open.",
                        hint="Close it there, or use another journal.",
                    ) from None
                time.sleep(0.05)

    def _genesis(self) -> int:
        names = ("chain", "format", "time")
        try:
            fields: dict[str, Any] = exact_fields(
                parse_canonical_json(self._lines[0]), names, "A journal"
            )
        except (MalformedError, IndexError):
            raise MalformedError(f"{self.path} is not a journal of the embedded chain.") from None
        if fields["format"] != FORMAT or type(fields["time"]) is not int:
            raise MalformedError(f"{self.path} is a journal of another version of verifai.")
        return int(fields["time"])

    def _append(self, line: bytes) -> None:
        end = os.lseek(self._handle, 0, os.SEEK_END)
        try:
            if os.write(self._handle, line) != len(line):
                raise OSError("the disk is full")
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, end)
            raise FileAccessError(
                f"Cannot write the journal {self.path}: {error.strerror or error}."
            ) from None
