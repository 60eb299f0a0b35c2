"""A file over HTTP, continued where an earlier attempt stopped.

What arrives is kept beside the target as ``NAME.part`` until all of it is there, so that a process
that is killed loses nothing and leaves nothing that could be taken for the file. Whether the bytes
are the right ones is for the caller to check.
"""

from __future__ import annotations

import errno
import http.client
import os
import re
import shutil
import string
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO, Any, Final

from verifai.circuit.address import is_address
from verifai.circuit.pace import Pace
from verifai.errors import (
    MalformedError,
    NetworkError,
    UsageError,
    VerifaiError,
)
from verifai.limits import MAX_ADDRESS_LENGTH, MAX_FETCH_CONNECTIONS
from verifai.printable import visible
from verifai.progress import Progress
from verifai.proof.files import writing
from verifai.version import __version__

#: Seconds that a server may be silent.
TIMEOUT: Final = 30
#: Connections that may break in a row without coming further than any before.
ATTEMPTS: Final = 3
_PIECE: Final = 1 << 18


def download(url: str, target: Path, size: int, *, whole: bool, progress: Progress) -> Path:
    """Bring the first ``size`` bytes of ``url`` to ``target``.

    Args:
        url: https; or http, which whoever names such an address asks for.
        target: where to; ``NAME.part`` beside it is continued if it is there.
        size: bytes wanted.
        whole: whether the server's file must have exactly that size.
        progress: hears of every tenth part.

    Raises:
        UsageError: no https or http address.
        NetworkError: no server, another status than success, a connection that keeps breaking or
            hardly advances, an answer that makes no sense; what came is kept.
        MalformedError: the server's file has another size.
        SetupError: the disk is full or refuses.
    """
    if not is_address(url):
        raise UsageError(
            f"Not an address: {visible(repr(url))}.",
            hint="It begins with https:// and a host, without a user name, and has at most "
            f"{MAX_ADDRESS_LENGTH:,} characters, all ASCII.",
        )
    part = target.with_name(f"{target.name}.part")
    more_room = "Make room, or name another data folder: VERIFAI_HOME. The same command goes on."
    with writing(part, more_room):
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab", buffering=0) as file:
            _room(target.parent, size - file.tell())
            _receive_all(url, file, size, whole, progress)
            file.truncate(size)
            os.fsync(file.fileno())
        os.replace(part, target)
    return target


def _receive_all(url: str, file: IO[bytes], size: int, whole: bool, progress: Progress) -> None:
    """As many connections as it takes, within limits."""
    furthest = file.tell()
    failures = connections = 0
    with Pace() as pace:
        while file.tell() < size:
            broken: Exception | None = None
            try:
                _receive(url, file, size, whole, progress, pace)
            except VerifaiError:
                raise
            except (OSError, http.client.HTTPException) as error:
                if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    raise
                broken = error
            if file.tell() >= size:
                return
            connections += 1
            failures = failures + 1 if file.tell() <= furthest else 0
            furthest = max(furthest, file.tell())
            if pace.fault:
                reason = pace.fault
            elif failures == ATTEMPTS:
                cause = getattr(broken, "reason", broken) or "the connection ends early"
                reason = visible(cause)
            elif connections == MAX_FETCH_CONNECTIONS:
                reason = f"the connection ends early, more often than {MAX_FETCH_CONNECTIONS!s}"
            else:
                continue
            raise NetworkError(
                f"{url} broke off after {file.tell():,} of {size:,} bytes: {reason}.",
                hint="The same command goes on from there. Without a network: download "
                f"{url} elsewhere, copy it here, and add --file PATH to the command.",
            )


def _receive(
    url: str, file: IO[bytes], size: int, whole: bool, progress: Progress, pace: Pace
) -> None:
    """One connection: append what it gives."""
    have = file.tell()
    headers = {
        "Range": f"bytes={have}-{size - 1}",
        "Accept-Encoding": "identity",
        "User-Agent": f"verifai/{__version__}",
    }
    opener = urllib.request.build_opener(pace.handler(), _Redirections)
    try:
        answer = opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # the server's file ends before what is here: not the same file
            _restart(file)
        raise NetworkError(
            f"{url} answers {error.code} {visible(error.reason)}.",
            hint="--from URL names a mirror; --file PATH a file that was brought by other means.",
        ) from None
    with answer:
        offered = _offered(answer, have)
        if answer.status != 206 and have:  # a server without ranges starts again
            have = _restart(file)
        if offered is not None and (offered != size if whole else offered < size):
            raise MalformedError(
                f"{url} has {offered:,} bytes, the ceremony's file {size:,}: it is another file.",
            )
        # what is there, at once: a process that is killed has lost nothing
        while have < size and (piece := answer.read1(min(_PIECE, size - have))):
            written = file.write(piece)  # less, on a disk that is about to be full
            while written < len(piece):
                written += file.write(piece[written:])
            if 10 * have // size != 10 * (have + written) // size:
                percent = 100 * (have + written) // size
                progress.stage(f"{url.rpartition('/')[2]}: {percent} % of {size:,} bytes")
            have += written
            pace.received += written


def _restart(file: IO[bytes]) -> int:
    file.truncate(0)
    return file.seek(0)


def _offered(answer: Any, have: int) -> int | None:
    """How many bytes the server's file has, if it says."""
    if answer.status == 206:
        found = re.fullmatch(
            r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)",
            answer.headers.get("Content-Range", ""),
        )
        if not found or int(found[1]) != have:
            raise NetworkError("The server sends another part of the file than it was asked for.")
        return None if found[2] == "*" else int(found[2])
    length = answer.headers.get("Content-Length")
    if length is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise NetworkError(f"The server says that its file has {visible(length, 40)} bytes.")
    return int(length)


def _room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed:,} bytes are needed, {free:,} are free")


class _Redirections(urllib.request.HTTPRedirectHandler):
    """Follows redirections to addresses, but never from https to anything else."""

    def http_error_302(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
    ) -> Any:
        """Read the new address strictly, before Python's own readers trip over it."""
        named = headers.get("location", headers.get("uri"))
        if named is not None:
            try:
                # as Python does: spaces and bytes beyond ASCII become %XX
                quoted = urllib.parse.quote(named, encoding="latin-1", safe=string.punctuation)
                to = urllib.parse.urljoin(req.full_url, quoted)
            except ValueError:
                to = ""
            if not is_address(to):
                raise NetworkError(
                    f"{visible(req.full_url)} leads to {visible(named)}, which is no web address."
                )
            del headers["location"], headers["uri"]
            headers["location"] = to
        fp.close()  # Python's own would read all of it, however much that is
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and urllib.parse.urlsplit(newurl).scheme != "https":
            raise NetworkError(
                f"{visible(req.full_url)} leads to {visible(newurl)}, which is not https."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)
