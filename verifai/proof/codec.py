"""One encoding per value: canonical JSON for people, a flat container for machines.

Container layout, integers big-endian, nothing between the fields and nothing after the last::

    magic    8  b"\\x89VFAI\\r\\n\\n"   (damaged by any text-mode transfer, like PNG's)
    kind     4  ASCII, e.g. b"PROF"
    version  2
    header   4 + n   length, canonical JSON object
    sections         for each name that the kind prescribes, in its order: 8 + n  length, raw bytes

Which sections a kind has is fixed by the reader, never by the file, so there are no offsets to
overlap and no names to duplicate. A reader rejects what it does not understand; it never skips.
The layout follows the rules of safetensors (no holes, no overlap, bounded header).
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from verifai.errors import (
    FileAccessError,
    LimitError,
    MalformedError,
    VerifaiError,
    shown,
)
from verifai.limits import (
    MAX_HEADER_BYTES,
    MAX_JSON_DEPTH,
    MAX_SECTIONS,
    MAX_VERIFYING_KEY_BYTES,
)
from verifai.proof.files import open_regular, read_regular, replace_file

MAGIC: Final = b"\x89VFAI\r\n\n"
_PREFIX: Final = len(MAGIC) + 4 + 2 + 4

#: What people call each kind of container.
_KINDS: Final = {
    b"CIRC": "a circuit",
    b"IGRF": "an integer graph",
    b"OPEN": "an opening",
    b"PKEY": "a proving key",
    b"PROF": "a proof",
    b"REGI": "a registration",
    b"VKEY": "a verifying key",
}

#: Kinds of files that are never larger are copied into memory, others are mapped.
MAX_COPIED_BYTES: Final = MAX_VERIFYING_KEY_BYTES

#: Every byte that neither opens nor closes a level of JSON.
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))

#: A section's content: bytes in memory, or a view of a memory-mapped file.
Section = bytes | memoryview
#: By field: what is given its value and name, and raises MalformedError for what it refuses.
Readers = Mapping[str, Callable[[Any, str], Any]]


def canonical_json(value: Any) -> bytes:
    """Encode ``value`` in its one canonical form: sorted keys, no spaces, ASCII, no floats.

    Raises:
        MalformedError: for floats, non-string keys and types JSON does not have.
    """
    _check_json(value, MAX_JSON_DEPTH)
    return _encoded(value)


def _encoded(value: Any) -> bytes:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode("ascii")


def _no_float(text: str) -> Any:
    raise MalformedError(f"Canonical JSON has no floats, found {text:.40}.")


def parse_canonical_json(data: bytes) -> Any:
    """Decode canonical JSON; anything that would re-encode differently is refused.

    Duplicate keys, spaces, floats, escapes with two spellings, leading zeros, a byte-order mark
    and unpaired surrogates all fail the comparison with the re-encoding.

    Raises:
        MalformedError: not JSON, not canonical, or nested deeper than ``MAX_JSON_DEPTH``.
    """
    check_json_depth(data)
    try:
        value = json.loads(data.decode("ascii"), parse_float=_no_float, parse_constant=_no_float)
        # Parsed without floats, it holds what JSON has; only an escape spells a lone surrogate.
        again = canonical_json(value) if b"\\" in data else _encoded(value)
    except VerifaiError:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"Not canonical JSON: {error}.") from None
    if again != data:
        raise MalformedError("JSON is not in canonical form (sorted keys, no spaces, no floats).")
    return value


def check_json_depth(data: bytes) -> None:
    """Refuse JSON that is nested deeper than ``MAX_JSON_DEPTH``, before any parser sees it.

    Python's parser recurses, and overflows the stack where a library has raised the interpreter's
    recursion limit.
    """
    depth = 0
    # brackets inside strings only make this stricter
    for byte in data.translate(None, _NO_BRACKETS):
        if byte in b"[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                raise LimitError(f"JSON is nested deeper than MAX_JSON_DEPTH ({MAX_JSON_DEPTH}).")
        elif byte in b"]}":
            depth -= 1


def _check_json(value: Any, depth: int) -> None:
    if depth < 0:
        raise LimitError(f"JSON is nested deeper than MAX_JSON_DEPTH ({MAX_JSON_DEPTH}).")
    if value is None or isinstance(value, (bool, int)):
        return
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise MalformedError(f"JSON keys are strings, found {type(key).__name__}.")
            _check_text(key)
            _check_json(item, depth - 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_json(item, depth - 1)
    else:
        raise MalformedError(f"Canonical JSON has no {type(value).__name__} values.")


def _check_text(text: str) -> None:
    """Unpaired surrogates survive JSON, but no other encoding: such text cannot be shown."""
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise MalformedError("JSON text holds an unpaired surrogate.")


def digest(domain: str, *parts: Section) -> str:
    """SHA-256 (64 hex characters) of length-prefixed ``parts`` under ``verifai/<domain>``."""
    state = hashlib.sha256(f"verifai/{domain}\0".encode())
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.hexdigest()


def sha256(data: Section) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def pack(
    kind: bytes, version: int, header: Mapping[str, Any], sections: Sequence[Section]
) -> bytes:
    """The container as bytes; see the module docstring for the layout."""
    return b"".join(_pieces(kind, version, header, sections))


def packed_size(header: Mapping[str, Any], lengths: Iterable[int]) -> int:
    """How many bytes :func:`pack` makes of a header and sections of these lengths."""
    return _PREFIX + len(canonical_json(header)) + sum(8 + length for length in lengths)


def write(
    path: str | os.PathLike[str],
    kind: bytes,
    version: int,
    header: Mapping[str, Any],
    sections: Sequence[Section],
    mode: int = 0o644,
) -> Path:
    """Write a container to ``path`` atomically: a reader sees the old file or the new one.

    Sections stream to disk, so artefacts larger than memory are fine.

    Raises:
        SetupError: the disk refused.
    """
    return replace_file(path, _pieces(kind, version, header, sections), mode)


def _pieces(
    kind: bytes, version: int, header: Mapping[str, Any], sections: Sequence[Section]
) -> list[Section]:
    text = canonical_json(header)
    pieces: list[Section] = [
        MAGIC + kind + version.to_bytes(2, "big") + len(text).to_bytes(4, "big") + text
    ]
    for section in sections:
        pieces += [len(section).to_bytes(8, "big"), section]
    return pieces


def unpack(
    data: Section, kind: bytes, version: int, section_count: int, *, limit: int
) -> tuple[dict[str, Any], list[memoryview]]:
    """Split a container into its header and exactly ``section_count`` sections.

    Sections are views into ``data``: nothing is copied, and no length is trusted before it is
    compared with what is there.

    Raises:
        MalformedError: wrong magic, kind or version, truncated, or trailing bytes.
        LimitError: larger than ``limit`` bytes, or a header above ``MAX_HEADER_BYTES``.
    """
    assert section_count <= MAX_SECTIONS
    view = memoryview(data)
    what = kind_name(kind)
    if len(view) > limit:
        raise LimitError(f"The file is {what} of {len(view)} bytes; the limit is {limit}.")
    _check_magic(bytes(view[: len(MAGIC)]), kind)
    if len(view) < _PREFIX:
        raise MalformedError(f"Truncated: {what} of {len(view)} bytes.")
    found = bytes(view[8:12])
    if found != kind:
        raise MalformedError(f"Expected {what}, found {kind_name(found)}.")
    if (number := int.from_bytes(view[12:14], "big")) != version:
        raise MalformedError(
            f"The file is {what} in format version {number}; version {version} is read here.",
            hint="Install the verifai version that wrote the file.",
        )
    length = int.from_bytes(view[14:18], "big")
    if length > MAX_HEADER_BYTES:
        raise LimitError(f"Header of {length} bytes; MAX_HEADER_BYTES is {MAX_HEADER_BYTES}.")
    offset = _PREFIX + length
    if offset > len(view):
        raise MalformedError(f"Truncated: the header of {what} runs past the end.")
    header = parse_canonical_json(bytes(view[_PREFIX:offset]))
    if not isinstance(header, dict):
        raise MalformedError(f"The header of {what} is a JSON object.")
    sections = []
    for index in range(section_count):
        if offset + 8 > len(view):
            raise MalformedError(f"Truncated: section {index} of {what} is missing.")
        length = int.from_bytes(view[offset : offset + 8], "big")
        offset += 8
        if length > len(view) - offset:
            raise MalformedError(f"Truncated: section {index} of {what} runs past the end.")
        sections.append(view[offset : offset + length])
        offset += length
    if offset != len(view):
        raise MalformedError(f"{len(view) - offset} trailing bytes after {what}.")
    return header, sections


def kind_name(kind: bytes) -> str:
    """What a container of this kind is, in words for people."""
    return _KINDS.get(kind, "a file of an unknown kind")


def _check_magic(head: bytes, kind: bytes) -> None:
    if head != MAGIC:
        raise MalformedError(
            f"Not a file of verifai: expected the magic bytes of {kind_name(kind)}.",
            hint="Was the file transferred in text mode, or is it another kind of file?",
        )


def read(
    path: str | os.PathLike[str], kind: bytes, version: int, section_count: int, *, limit: int
) -> tuple[dict[str, Any], list[memoryview]]:
    """:func:`unpack` a file: what strangers send is copied, since a map of a file that somebody
    cuts short kills the process; a prover's own artefacts of gigabytes are mapped, read-only.

    Raises:
        MalformedError: as :func:`unpack`, or when the path is not a regular file.
        FileAccessError: the system does not let us read it.
    """
    with _naming(path):
        with open_regular(path, limit) as (file, size):
            if size == 0:
                raise MalformedError("Empty file.")
            if limit > MAX_COPIED_BYTES:
                _check_magic(file.read(len(MAGIC)), kind)
                try:
                    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                except OSError as error:
                    raise FileAccessError(f"{path} cannot be mapped: {error.strerror}.") from None
                return unpack(memoryview(mapped), kind, version, section_count, limit=limit)
        return unpack(read_regular(path, limit), kind, version, section_count, limit=limit)


@contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Of the several files of a command, an error names its own."""
    try:
        yield
    except MalformedError as error:
        if str(path) not in error.message:
            error.message = f"{path}: {error.message}"
        raise


def exact_fields(value: Any, fields: Sequence[str], what: str) -> dict[str, Any]:
    """``value`` as a dict that has exactly ``fields``; unknown or missing ones are refused."""
    if not isinstance(value, dict) or set(value) != set(fields):
        found = str(sorted(value)) if isinstance(value, dict) else type(value).__name__
        raise MalformedError(f"{what} has the fields {sorted(fields)}, found {found:.500}.")
    return value


def read_fields(value: Any, readers: Readers, what: str) -> dict[str, Any]:
    """The fields of an object that has exactly those with a reader, each read by its own."""
    found = exact_fields(value, list(readers), what)
    return {name: read(found[name], name) for name, read in readers.items()}


def hex_digest(value: Any, what: str) -> str:
    """``value`` if it is 64 lower-case hexadecimal characters."""
    if not (isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")):
        raise MalformedError(f"{what} is a SHA-256 digest: 64 lower-case hex characters.")
    return value


def one_of(value: Any, choices: Sequence[str], what: str) -> str:
    """``value`` if it is one of ``choices``."""
    if not isinstance(value, str) or value not in choices:
        raise MalformedError(f"{what} is one of {list(choices)}, found {shown(value)}.")
    return value
