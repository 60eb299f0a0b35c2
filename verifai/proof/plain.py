"""Dataclasses as JSON values; strictly back, those of the files that this machine keeps itself.

A part that has a ``to_json`` and a ``from_json`` of its own is written and read by these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from verifai.errors import MalformedError
from verifai.proof.codec import exact_fields


def to_plain(value: Any) -> Any:
    """A dataclass becomes an object of its fields, a tuple a list, bytes hex digits."""
    if is_dataclass(value):
        return {field.name: _part(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {name: _part(item) for name, item in value.items()}
    return [_part(item) for item in value] if isinstance(value, tuple) else value


def _part(value: Any) -> Any:
    return value.to_json() if hasattr(value, "to_json") else to_plain(value)


def fields_of(value: Any, names: Iterable[str]) -> dict[str, Any]:
    """Some attributes of a value, by name, as JSON values."""
    return {name: to_plain(getattr(value, name)) for name in names}


def from_plain(kind: Any, value: Any, what: str) -> Any:
    """Inverse of :func:`to_plain` for a dataclass of integers, strings, truths, bytes, other such
    dataclasses, and tuples, mappings and unions of these. A part of type ``Any`` is taken as it is.

    Raises:
        MalformedError: unknown or missing fields, or one of another type.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        hints = _hints(cast(Any, kind))
        found = exact_fields(value, list(hints), what)
        parts = {name: _read(hint, found[name], what) for name, hint in hints.items()}
        return cast(Any, kind)(**parts)
    if origin is UnionType:  # of simple types, the first of which may be another
        return value if type(value) in inner else _read(inner[0], value, what)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(inner[0], item, what) for item in value)
    if origin is Mapping and isinstance(value, dict):
        return {name: _read(inner[1], item, what) for name, item in value.items()}
    if kind is bytes and isinstance(value, str):
        try:
            read = bytes.fromhex(value)
        except ValueError:
            read = b""
        if read.hex() != value:
            raise MalformedError(f"{what} holds bytes that are not lower-case hex digits.")
        return read
    if kind is not Any and type(value) is not kind:
        raise MalformedError(f"{what} holds a {type(value).__name__} where it must not.")
    return value


def _read(kind: Any, value: Any, what: str) -> Any:
    own = getattr(kind, "from_json", None)
    return own(value) if own else from_plain(kind, value, what)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
