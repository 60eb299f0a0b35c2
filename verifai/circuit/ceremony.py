"""Reference strings of public ceremonies: fetched once, cut, kept in the data folder.

``$VERIFAI_HOME/srs/NAME-K.points`` holds the first 2^K powers and tau G2, in the EVM's form. It is
written whole or not at all, after the ceremony's file had its published digest, its structure and
the pinned tau G2; and it is checked again whenever it is read.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from verifai.circuit.ceremony_files import SOURCES, CeremonyFile, Source
from verifai.circuit.download import download
from verifai.circuit.srs import SRS
from verifai.errors import (
    LimitError,
    MalformedError,
    SetupError,
    UsageError,
)
from verifai.home import home
from verifai.limits import MAX_POINTS_LOG2
from verifai.progress import Progress, Silent
from verifai.proof.files import locked, open_regular, replace_file, writing
from verifai.proof.reference_string import CEREMONIES, g2_bytes

_POINT_BYTES: Final = 64
#: The largest file that is brought by hand: all of Ignition's points are 6.4 GB.
_MAX_FILE_BYTES: Final = 1 << 38


def fetch(
    name: str,
    log2: int,
    *,
    url: str | None = None,
    file: str | os.PathLike[str] | None = None,
    keep: bool = False,
    progress: Progress | None = None,
) -> SRS:
    """Bring 2**log2 powers of a public ceremony's string into the data folder; once.

    Args:
        name: one of :data:`verifai.proof.reference_string.CEREMONIES`.
        log2: of the powers that a circuit needs.
        url: a mirror of the ceremony's file, instead of the published address; may be http.
        file: the ceremony's file, brought by other means: nothing is downloaded.
        keep: whether the downloaded file stays in the data folder beside the cut.
        progress: see :func:`verifai.progress.reporting`.

    Raises:
        UsageError: no such ceremony.
        LimitError: more powers than are kept, or than the ceremony has.
        NetworkError: the file did not arrive; the next call goes on where this one stopped.
        MalformedError: the file is not the ceremony's.
        SetupError: the disk or the proving core.
    """
    _check_name(name)
    source = SOURCES[name]
    report = progress or Silent()
    if not 1 <= log2 <= MAX_POINTS_LOG2:
        raise LimitError(f"2^{log2} powers are not within 2 to 2^K with K = {MAX_POINTS_LOG2}.")
    # one process at a time fetches from a ceremony; the others wait, and find what it brought
    with writing(_folder()), locked(_folder() / f".lock-{name}"):
        if (path := _kept(name, log2)) is not None:
            report.stage(f"{path} is there")
            return _read(name, path)
        wanted = source.file(log2)
        if wanted is None:
            raise LimitError(f"The ceremony {name!r} has no file with 2^{log2} powers.")
        if file is not None:
            return _cut(name, log2, source, wanted, Path(file), report)
        got = _folder() / wanted.name
        if not got.exists():
            download(url or wanted.url, got, wanted.size, whole=wanted.whole, progress=report)
        try:
            srs = _cut(name, log2, source, wanted, got, report)
        except MalformedError:
            got.unlink(missing_ok=True)  # never to be continued or taken for the file
            raise
        if not keep:
            got.unlink(missing_ok=True)
        return srs


def kept(name: str, log2: int) -> SRS:
    """The string of a ceremony from the data folder, with 2**log2 powers or more.

    Raises:
        UsageError: no such ceremony.
        SetupError: it was not fetched yet; the hint names the command.
        MalformedError: the file in the data folder is damaged.
    """
    _check_name(name)
    path = _kept(name, log2)
    if path is None:
        raise SetupError(
            f"The reference string of {name!r} with 2^{log2} powers is not in {_folder()}.",
            hint=f"verifai srs fetch {name} --log2 {log2}; without a network, add --file PATH.",
        )
    return _read(name, path)


def _check_name(name: str) -> None:
    if name not in CEREMONIES:
        raise UsageError(
            f"No public ceremony is called {name!r}.",
            hint=f"There are {', '.join(CEREMONIES)}. A file: verifai.SRS.load(path).",
        )


def _cut(
    name: str, log2: int, source: Source, wanted: CeremonyFile, path: Path, report: Progress
) -> SRS:
    """Check a ceremony's file, write its first powers to the data folder, read them back."""
    report.stage(f"checking {path.name}")
    tau_g2 = g2_bytes(*CEREMONIES[name].tau_g2)
    if wanted.blake2b is None:
        data = _first(path, _POINT_BYTES << log2) + tau_g2
    else:
        _check_digest(path, source)
        data = _points_of(SRS.load(path), log2)
    report.stage(f"checking {1 << log2:,} powers")
    target = _path(name, log2)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        replace_file(fresh, [data])
        srs = _read(name, fresh, shown=path)
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)
    return srs


def _points_of(srs: SRS, log2: int) -> bytes:
    if srs.log2 < log2:
        raise MalformedError(f"The file has 2^{srs.log2} powers, 2^{log2} are wanted.")
    return bytes(srs.data[: _POINT_BYTES << log2]) + bytes(srs.data[-128:])


def _check_digest(path: Path, source: Source) -> None:
    """The file is one that the ceremony published, by its digest."""
    state = hashlib.blake2b()
    with open_regular(path, _MAX_FILE_BYTES) as (file, _):
        while piece := file.read(1 << 24):
            state.update(piece)
    if state.hexdigest() not in {known.blake2b for known in source.ptau.values()}:
        raise MalformedError(
            f"{path} is none of the ceremony's published files: its BLAKE2b-512 digest is "
            f"{state.hexdigest()}.",
            hint="Fetch it again; a file of that name is not enough.",
        )


def _first(path: Path, size: int) -> bytes:
    with open_regular(path, _MAX_FILE_BYTES) as (file, available):
        if available < size:
            raise MalformedError(f"{path} has {available:,} bytes, {size:,} are needed.")
        return file.read(size)


def _read(name: str, path: Path, shown: Path | None = None) -> SRS:
    """A kept string, checked anew."""
    try:
        srs = SRS.from_points(path)
    except MalformedError as error:
        if shown is None:
            raise MalformedError(error.message, hint=f"Delete {path} and fetch it again.") from None
        raise MalformedError(
            f"{shown} is not the ceremony's: {error.message.partition(': ')[2] or error.message}"
        ) from None
    if srs.ceremony != name:
        raise MalformedError(
            f"{shown or path} is not of the ceremony {name!r}: its tau is another."
        )
    return srs


def _folder() -> Path:
    return home() / "srs"


def _path(name: str, log2: int) -> Path:
    return _folder() / f"{name}-{log2}.points"


def _kept(name: str, log2: int) -> Path | None:
    """The smallest kept file with enough powers."""
    paths = (_path(name, k) for k in range(log2, MAX_POINTS_LOG2 + 1))
    return next((path for path in paths if path.exists()), None)
