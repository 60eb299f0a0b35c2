"""Dataclasses as JSON values; strictly back, those of the files that this machine keeps itself."""

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
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {name: to_plain(item) for name, item in value.items()}
    return [to_plain(item) for item in value] if isinstance(value, tuple) else value


def fields_of(value: Any, names: Iterable[str]) -> dict[str, Any]:
    """Some attributes of a value, by name, as JSON values."""
    return {name: to_plain(getattr(value, name)) for name in names}


def from_plain(kind: Any, value: Any, what: str) -> Any:
    """Inverse of :func:`to_plain` for a dataclass of integers, strings, truths, bytes, other such
    dataclasses, and tuples, mappings and options of these.

    Raises:
        MalformedError: unknown or missing fields, or one of another type.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        hints = _hints(cast(Any, kind))
        found = exact_fields(value, list(hints), what)
        parts = {name: from_plain(hint, found[name], what) for name, hint in hints.items()}
        return cast(Any, kind)(**parts)
    if origin is UnionType:  # X | None
        return None if value is None else from_plain(inner[0], value, what)
    if origin is tuple and isinstance(value, list):
        return tuple(from_plain(inner[0], item, what) for item in value)
    if origin is Mapping and isinstance(value, dict):
        return {name: from_plain(inner[1], item, what) for name, item in value.items()}
    if kind is bytes and isinstance(value, str):
        try:
            read = bytes.fromhex(value)
        except ValueError:
            read = b""
        if read.hex() != value:
            raise MalformedError(f"{what} holds bytes that are not lower-case hex digits.")
        return read
    if type(value) is not kind:
        raise MalformedError(f"{what} holds a {type(value).__name__} where it must not.")
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
