"""A contract as its ABI describes it: calls, results, events and errors by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from verifai.errors import MalformedError, UsageError
from verifai.evm import abi
from verifai.evm.logs import Log
from verifai.extras import require


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
        self._events: dict[str, tuple[bytes, list[tuple[str, str, bool]]]] = {}
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
                self._events[entry["name"]] = (event_topic(entry["name"], types), parts)
            elif entry["type"] == "error":
                self._errors[_selector(entry["name"], types)] = (entry["name"], types)

    @classmethod
    def written(cls, name: str, *functions: str) -> Interface:
        """Of functions as Solidity writes them, with types alone.

        For example ``Interface.written("ERC-20", "balanceOf(address) returns (uint256)")``.
        """
        found = cls(name, ())
        for text in functions:
            function, _, types = text.partition("(")
            inputs, _, outputs = types.partition(" returns ")
            found._functions[function] = (_types("(" + inputs), _types(outputs or "()"))
        return found

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

    def digest(self, function: str, *arguments: Any) -> bytes:
        """Keccak-256 of a function's encoded arguments: what contracts make identifiers of."""
        return abi.keccak(self.call(function, *arguments)[4:])

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
        return _decoded(types, data[4:], f"The arguments of {function}")

    def result(self, function: str, data: bytes) -> tuple[Any, ...]:
        """What a function returned.

        Raises:
            MalformedError: not the standard encoding of such a result.
        """
        return _decoded(self._functions[function][1], data, f"What {function} returned")

    def topic(self, event: str) -> bytes:
        """Topic 0 of an event."""
        return self._events[event][0]

    def event(self, log: Log, name: str) -> dict[str, Any]:
        """The fields of a log, which must be of the event with this name.

        Raises:
            MalformedError: it is of no such event.
        """
        topic, parts = self._events[name]
        indexed = [(part, kind) for part, kind, in_topic in parts if in_topic]
        if log.topics[:1] != (topic,):
            raise MalformedError(f"A log that is no {name} event of {self.name}.")
        if len(log.topics) != len(indexed) + 1:
            raise MalformedError(f"An event {name} with {len(log.topics)} topics.")
        fields = {
            part: _decoded((kind,), one, f"{name}.{part}")[0]
            for (part, kind), one in zip(indexed, log.topics[1:], strict=True)
        }
        plain = [(part, kind) for part, kind, in_topic in parts if not in_topic]
        values = _decoded([kind for _, kind in plain], log.data, f"An event {name}")
        return fields | dict(zip((part for part, _ in plain), values, strict=True))

    def error(self, data: bytes) -> tuple[str, tuple[Any, ...]] | None:
        """Name and arguments of one of this contract's errors; None for any other data, also for
        Solidity's own ``Error`` and ``Panic``, which an interface does not list."""
        with suppress(KeyError, MalformedError):
            name, types = self._errors[data[:4]]
            return name, abi.decode(types, data[4:], name)
        return None


def event_topic(name: str, types: Sequence[str]) -> bytes:
    """Keccak-256 of an event's signature."""
    return abi.keccak(f"{name}({','.join(types)})".encode("ascii"))


def _decoded(types: Sequence[str], data: bytes, what: str) -> tuple[Any, ...]:
    """Values, addresses in EIP-55 spelling."""
    values = abi.decode(types, data, what)
    return tuple(
        abi.checksum(value) if kind == "address" else value
        for kind, value in zip(types, values, strict=True)
    )


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


def _types(text: str) -> tuple[str, ...]:
    """The types in brackets: ``(address,(bool,bytes)[])`` are two."""
    if text == "()":
        return ()
    grammar = require("eth_abi.grammar", "chain", "calling contracts")
    return tuple(part.to_type_str() for part in grammar.parse(text).components)
