"""Files of strangers: regular, of a bounded size, never waited for. Files of ours: whole or not."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from verifai.errors import (
    FileAccessError,
    LimitError,
    MalformedError,
    MissingFileError,
    SetupError,
    VerifaiError,
)

#: Errors of ``open`` that say that the path is wrong, not this machine.
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


@contextmanager
def open_regular(path: str | os.PathLike[str], limit: int) -> Iterator[tuple[BinaryIO, int]]:
    """A regular file and its size in bytes.

    The checks are made on what was opened, so that nothing can be exchanged between check and use;
    a pipe or a device is refused without waiting for it.

    Raises:
        MissingFileError: no such file.
        MalformedError: a folder, pipe, device or socket.
        LimitError: more than ``limit`` bytes; nothing was read.
        FileAccessError: the system does not let us read it.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:  # a NUL
        raise MalformedError(f"Not a path: {os.fspath(path)!r}.") from None
    except OSError as error:
        if error.errno in _NO_FILE:
            raise MissingFileError(f"No such file: {path}.") from None
        if error.errno == errno.ENXIO:  # a socket
            raise MalformedError(f"Not a regular file: {path}.") from None
        raise FileAccessError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise MalformedError(f"Not a regular file: {path}.")
        if info.st_size > limit:
            raise LimitError(f"{path} has {info.st_size} bytes; the limit is {limit}.")
    except BaseException:
        os.close(handle)
        raise
    with os.fdopen(handle, "rb") as file:
        yield file, info.st_size


def read_regular(path: str | os.PathLike[str], limit: int) -> bytes:
    """The content of a regular file.

    Raises:
        MalformedError: also for a file that shrank or grew while it was read. Else as
            :func:`open_regular`.
    """
    with open_regular(path, limit) as (file, size):
        pieces = []
        left = size + 1  # one more than there should be
        while left and (piece := file.read(min(left, 1 << 24))):
            pieces.append(piece)
            left -= len(piece)
    if left != 1:
        raise MalformedError(f"{path} changed while it was read.")
    return b"".join(pieces)


@contextmanager
def writing(path: str | os.PathLike[str], hint: str | None = None) -> Iterator[None]:
    """What the system refuses in this block becomes a FileAccessError."""
    try:
        yield
    except VerifaiError:
        raise
    except OSError as error:
        message = f"Cannot write {path}: {error.strerror or error}."
        raise FileAccessError(message, hint=hint) from None


def replace_file(
    path: str | os.PathLike[str], pieces: Iterable[bytes | memoryview], mode: int = 0o644
) -> Path:
    """Write a file so that a reader, or a crash, sees the old content or the new; folders are made.

    Args:
        path: where to; a symbolic link stays, and what it leads to is written.
        pieces: the content; it streams, so it may be larger than memory.
        mode: permissions, less the process's umask.

    Raises:
        FileAccessError: the disk refused, and the old file is as it was; or the path leads to
            a folder, pipe, device or socket, which is not replaced.
    """
    target = Path(os.path.realpath(path))
    with writing(path):
        if target.is_symlink() or (target.exists() and not target.is_file()):  # a loop of links
            raise FileAccessError(f"Cannot write {path}: it is not a regular file.")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        try:  # from the first moment on: an interrupt may come between any two lines
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, mode), "wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return Path(path)


@contextmanager
def locked(path: Path, seconds: float = -1, busy: str = "", hint: str = "") -> Iterator[None]:
    """Alone among the processes and threads that lock this path; its folder is made if missing.

    Args:
        seconds: how long to wait for another one; for ever if negative.
        busy, hint: what to say then.

    Raises:
        SetupError: another one holds it, or the folder cannot be written.
    """
    import filelock  # only who waits for others pays for loading it

    lock = filelock.FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=seconds, poll_interval=0.05)
    except filelock.Timeout:
        raise SetupError(busy, hint=hint) from None
    except OSError as error:
        raise FileAccessError(f"Cannot write {path}: {error.strerror or error}.") from None
    try:
        yield
    finally:
        lock.release()
