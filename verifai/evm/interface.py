"""A contract as its ABI describes it: calls, results, events and errors by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from verifai.errors import MalformedError, UsageError
from verifai.evm import abi


class Interface:
    """What can be said to a contract, and what it answers.

    Args:
        name: the contract, in messages.
        entries: its interface (the Contract ABI's JSON).
        creation: bytecode of its deployment, without constructor arguments; empty if unknown.
    """

    def __init__(
        self, name: str, entries: Sequence[Mapping[str, Any]], creation: bytes = b""
    ) -> None:
        self.name = name
        self.creation = creation
        self._constructor: tuple[str, ...] = ()
        self._functions: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._events: dict[bytes, tuple[str, list[tuple[str, str, bool]]]] = {}
        self._errors: dict[bytes, tuple[str, tuple[str, ...]]] = {}
        for entry in entries:
            types = tuple(_type(part) for part in entry.get("inputs", ()))
            if entry["type"] == "constructor":
                self._constructor = types
            elif entry["type"] == "function":
                results = tuple(_type(part) for part in entry["outputs"])
                self._functions[entry["name"]] = (types, results)
            elif entry["type"] == "event":
                parts = [(part["name"], _type(part), part["indexed"]) for part in entry["inputs"]]
                self._events[event_topic(entry["name"], types)] = (entry["name"], parts)
            elif entry["type"] == "error":
                self._errors[_selector(entry["name"], types)] = (entry["name"], types)

    def deployment(self, *arguments: Any) -> bytes:
        """Creation bytecode with constructor arguments. Raises UsageError as :meth:`call`."""
        return self.creation + _encoded(self.name, self._constructor, arguments)

    def call(self, function: str, *arguments: Any) -> bytes:
        """Calldata.

        Raises:
            UsageError: arguments that the function does not take; the message names the type.
        """
        types, _ = self._functions[function]
        return _selector(function, types) + _encoded(function, types, arguments)

    def selector(self, function: str) -> bytes:
        """The four bytes that calls of a function begin with."""
        return _selector(function, self._functions[function][0])

    def arguments(self, function: str, data: bytes) -> tuple[Any, ...]:
        """Inverse of :meth:`call`.

        Raises:
            MalformedError: another function's calldata, or not the standard encoding.
        """
        types, _ = self._functions[function]
        if data[:4] != _selector(function, types):
            raise MalformedError(f"These calldata call another function than {function}.")
        return abi.decode(types, data[4:], f"The arguments of {function}")

    def result(self, function: str, data: bytes) -> tuple[Any, ...]:
        """What a function returned.

        Raises:
            MalformedError: not the standard encoding of such a result.
        """
        return abi.decode(self._functions[function][1], data, f"What {function} returned")

    def topic(self, event: str) -> bytes:
        """Topic 0 of an event."""
        return next(topic for topic, (name, _) in self._events.items() if name == event)

    def event(self, log: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Name and fields of a log of this contract.

        Raises:
            MalformedError: no event of this contract.
        """
        topics = [bytes(topic) for topic in log["topics"]]
        known = self._events.get(topics[0]) if topics else None
        if known is None:
            raise MalformedError(f"A log that is no event of {self.name}.")
        name, parts = known
        indexed = [(part, kind) for part, kind, in_topic in parts if in_topic]
        if len(topics) != len(indexed) + 1:
            raise MalformedError(f"An event {name} with {len(topics)} topics.")
        fields = {
            part: abi.decode((kind,), topic, f"{name}.{part}")[0]
            for (part, kind), topic in zip(indexed, topics[1:], strict=True)
        }
        plain = [(part, kind) for part, kind, in_topic in parts if not in_topic]
        values = abi.decode([kind for _, kind in plain], bytes(log["data"]), f"An event {name}")
        return name, fields | dict(zip((part for part, _ in plain), values, strict=True))

    def error(self, data: bytes) -> tuple[str, tuple[Any, ...]] | None:
        """Name and arguments of one of this contract's errors; None for any other data, also for
        Solidity's own ``Error`` and ``Panic``, which an interface does not list."""
        known = self._errors.get(data[:4])
        if known is None:
            return None
        try:
            return known[0], abi.decode(known[1], data[4:], known[0])
        except MalformedError:
            return None

    def __repr__(self) -> str:
        return f"Interface({self.name})"


def event_topic(name: str, types: Sequence[str]) -> bytes:
    """Keccak-256 of an event's signature."""
    return abi.keccak(f"{name}({','.join(types)})".encode("ascii"))


def _encoded(name: str, types: Sequence[str], arguments: Sequence[Any]) -> bytes:
    if len(types) != len(arguments):
        raise UsageError(f"{name} takes {len(types)} arguments, not {len(arguments)}.")
    for number, (kind, argument) in enumerate(zip(types, arguments, strict=True), start=1):
        if not abi.encodable(kind, argument):
            raise UsageError(
                f"Argument {number} of {name} is a {kind}, which {str(argument)[:60]!r} is not."
            )
    return abi.encode(types, arguments)


def _selector(name: str, types: Sequence[str]) -> bytes:
    return abi.selector(f"{name}({','.join(types)})")


def _type(part: Mapping[str, Any]) -> str:
    """A type as signatures write it: structures are tuples of their parts."""
    kind: str = part["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(_type(one) for one in part["components"])
    return f"({inner}){kind.removeprefix('tuple')}"
