"""Contracts that answer what they were made to answer, assembled by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verifai.chain.shipped import interface

#: Returns what follows it as a contract's code: PUSH2 length, DUP1, PUSH1 10, RETURNDATASIZE,
#: CODECOPY, RETURNDATASIZE, RETURN.
_CREATION = "61{:04x}80600a3d393df3"


@dataclass(frozen=True)
class Saying:
    """An answer to calls of a function; ``argument`` limits it to those whose first one this is."""

    function: bytes
    answer: bytes
    argument: bytes | None = None

    @classmethod
    def of(
        cls, contract: str, function: str, *results: Any, argument: bytes | None = None
    ) -> Saying:
        """What a function of a shipped contract would return."""
        from verifai.evm import abi

        shipped = interface(contract)
        kinds = shipped._functions[function][1]
        return cls(shipped.selector(function), abi.encode(kinds, results), argument)


def creation(code: bytes) -> bytes:
    """Creation bytecode of a contract with this code."""
    return bytes.fromhex(_CREATION.format(len(code))) + code


def parrot(sayings: Sequence[Saying]) -> bytes:
    """Code that answers so, the first that fits, and reverts on everything else."""
    sizes = [11 + (38 if saying.argument else 0) + 5 + 13 + 1 for saying in sayings]
    answers_at = sum(sizes) + 3
    code, answers = b"", b""
    for saying in sayings:
        # PUSH0 CALLDATALOAD PUSH1 224 SHR PUSH4 selector EQ
        code += bytes.fromhex("5f3560e01c63") + saying.function + b"\x14"
        if saying.argument:  # PUSH1 4 CALLDATALOAD PUSH32 argument EQ AND
            code += bytes.fromhex("6004357f") + saying.argument.ljust(32, b"\0") + b"\x14\x16"
        size, at = len(saying.answer), answers_at + len(answers)
        following = len(code) + 5 + 13
        # ISZERO PUSH2 following JUMPI; PUSH2 size PUSH2 at PUSH0 CODECOPY PUSH2 size PUSH0 RETURN
        code += bytes.fromhex(f"1561{following:04x}5761{size:04x}61{at:04x}5f3961{size:04x}5ff3")
        code += b"\x5b"
        answers += saying.answer
    return code + bytes.fromhex("5f5ffd") + answers
