"""The contract's operations compute what their specification says, for any scalars.

Honest proofs meet random scalars only, and operations as the compiler of tables writes them. Here
operations are drawn at random within the rules of tables, over scalars at the ends of the field,
where arithmetic that reduces too late runs out of its 256 bits, and are compared with the model.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts.native.model import Cursor, operation
from verifai.compact.program import DROPPED, FIRST_WORD, Op
from verifai.contracts.build import CONTRACTS
from verifai.contracts.solidity import run_solc
from verifai.contracts.sources import SETTINGS, closure, openzeppelin_folder
from verifai.evm import abi
from verifai.verifier.native.field import P

SCALARS = 64
#: Entries of the memory of vectors; results are written into its second half.
MEMORY = 120
OPERATIONS = 60
PROGRAMS = 40
#: Values at which sums that are not reduced grow fastest.
EXTREMES = (0, 1, 2, P - 1, P - 2, (P + 1) // 2, P >> 1)

Run = Callable[[list[int], list[int], bytes, int], list[int]]


class Draw:
    """Operations within the rules of `TableRules.sol`."""

    def __init__(self, rng: random.Random, scalars: int) -> None:
        self.rng, self.scalars = rng, scalars

    def number(self, value: int, size: int) -> bytes:
        return value.to_bytes(size, "big", signed=value < 0)

    def name(self, n: int = 1) -> bytes:
        """The first of n scalars."""
        return self.number(FIRST_WORD + self.rng.randrange(self.scalars - max(n, 1) + 1), 2)

    def vector(self, count: int, half: int = 0) -> bytes:
        return self.number(half + self.rng.randrange(MEMORY - half - count + 1), 3)

    def result(self, count: int) -> bytes:
        return self.vector(count, MEMORY // 2)

    def indices(self, longest: int, most: int = 10) -> tuple[int, int, int]:
        """Coordinates, first and end of a range: often a short one in a large space."""
        n = self.rng.choice((0, 1, 2, 3, self.rng.randrange(4, most + 1), most))
        size = min(longest, 1 << n)
        count = self.rng.choice((1, size, self.rng.randint(1, size)))
        start = self.rng.choice((0, (1 << n) - count, self.rng.randint(0, (1 << n) - count)))
        return n, start, start + count

    def operation(self, op: Op) -> bytes:
        rng, number = self.rng, self.number
        body: bytes
        if op == Op.PAIRS:
            count = rng.randrange(7)
            body = number(count, 2) + b"".join(self.name() for _ in range(2 * count))
        elif op in (Op.PRODUCT, Op.POINT):
            count = rng.randint(1, 6)
            body = number(count, 1) + b"".join(self.name() for _ in range(count))
        elif op == Op.EQ_SLOTS:
            n, start, end = self.indices(9)
            body = self.name(n) + number(n, 1) + number(start, 4) + number(end - start, 2)
        elif op == Op.INTERVAL:
            n, start, end = self.indices(1 << 10)
            count = rng.randrange(4)
            names = b"".join(self.name(n) for _ in range(count))
            body = number(count, 1) + number(n, 1) + number(start, 4) + number(end, 5) + names
        elif op in (Op.PREFIX, Op.BETWEEN):
            n, start, end = self.indices(1 << 10)
            y = rng.choice((bytes(2), self.name(n)))
            body = number(n, 1) + y + self.name(n) + number(end, 4)
            body += number(start, 4) * (op == Op.BETWEEN)
        elif op == Op.EQ_AT:
            n, start, _ = self.indices(1, 32)
            body = number(n, 1) + self.name(n) + number(start, 4)
        elif op == Op.DOT:
            count = rng.randrange(30)
            body = self.vector(count) + self.vector(count) + number(count, 3)
        elif op == Op.TOTAL:
            count = rng.randrange(30)
            body = self.vector(count) + number(count, 3)
        elif op == Op.EVALUATE:
            n = rng.randrange(6)
            count = rng.randint(1, 1 << n)
            body = self.vector(count) + number(count, 3) + self.name(n) + number(n, 1)
        elif op == Op.BILINEAR:
            sizes = [rng.randrange(9) for _ in range(2)] + [rng.randrange(40)]
            body = b"".join(self.vector(size) + number(size, 2) for size in sizes)
            body += number(rng.randint(-20, 20), 4) + number(rng.randrange(9), 2)
        else:
            body = self.vector_operation(op)
        return bytes([op]) + body

    def vector_operation(self, op: Op) -> bytes:
        rng, number = self.rng, self.number
        if op == Op.EQ_RANGE:
            n, start, end = self.indices(40)
            return (
                self.result(end - start) + self.name(n) + number(n, 1) + number(start, 4)
                + number(end - start, 3)
            )  # fmt: skip
        if op == Op.EQ_ROWS:
            count, step, n = rng.randint(1, 4), rng.randint(1, 3), rng.randint(19, 24)
            start = rng.randrange((1 << n) - 3 * (1 << 16))
            head = number(count, 3) + number(16, 1) + number(0xFFFF, 3) + number(start, 4)
            places = b"".join(number(rng.randrange(8 * MEMORY // 2), 3) for _ in range(count))
            return (
                self.result(count * step)
                + head
                + number(step, 3)
                + self.name(n)
                + number(n, 1)
                + places
            )
        half = MEMORY // 2
        read = [self.number(rng.randrange(half - 24), 3) for _ in range(4)]
        length = rng.randint(1, 24)
        if op == Op.COMBINE:
            count = rng.randint(1, 4)
            parts = b"".join(self.name() + read[i] for i in range(count))
            return self.result(length) + number(length, 3) + number(count, 1) + parts
        if op == Op.SCATTER:
            count = rng.randint(1, 3)
            parts = b"".join(
                read[i] + number(rng.randrange(5), 3) + number(rng.randint(-9, 9), 4)
                for i in range(count)
            )
            offset = number(rng.randint(-9, 24), 4)
            return self.result(length) + number(length, 3) + offset + number(count, 1) + parts
        if op == Op.CONTRACT:
            outer, inner, step = rng.randint(1, 3), rng.randint(1, 3), rng.randint(1, 2)
            sizes = number(outer, 3) + number(inner, 3) + number(step, 3)
            return self.result(outer * step) + read[0] + read[1] + sizes
        if op == Op.ENTRYWISE:
            return self.result(length) + read[0] + read[1] + number(length, 3)
        assert op == Op.PLACE
        count = rng.randrange(24)
        places = [rng.choice((rng.randrange(length), DROPPED)) for _ in range(count)]
        head = self.result(length) + number(length, 3) + read[0] + number(count, 3)
        return head + b"".join(number(place, 3) for place in places)


def program(rng: random.Random, ops: list[Op]) -> tuple[bytes, list[int], list[int], list[int]]:
    """Operations; the scalars and vectors before them; all scalars after them, by the model."""
    scalars = [rng.choice((*EXTREMES, rng.randrange(P))) for _ in range(SCALARS)]
    memory = [rng.choice((*EXTREMES, rng.randrange(P))) for _ in range(MEMORY)]
    code, after, vectors = b"", list(scalars), list(memory)
    for op in ops:
        one = Draw(rng, len(after)).operation(op)
        cursor = Cursor(one)
        operation(Op(cursor.number(1)), cursor, after, vectors)
        assert cursor.at == len(one)
        code += one
    return code + bytes([Op.END]), scalars, memory, after + vectors


@pytest.fixture(scope="module")
def machine(anvil: str) -> Run:
    """`Machine.sol` on anvil."""
    from eth_abi import decode, encode
    from web3 import HTTPProvider, Web3

    sources = closure("native/Operations", CONTRACTS, openzeppelin_folder() / "node_modules")
    sources["Machine.sol"] = Path(__file__).with_name("Machine.sol").read_text("utf-8")
    contracts = run_solc(sources, SETTINGS, openzeppelin_folder())
    creation = contracts["Machine.sol"]["Machine"]["evm"]["bytecode"]["object"]
    web3 = Web3(HTTPProvider(anvil))
    sender = web3.eth.accounts[0]
    sent = web3.eth.send_transaction({"from": sender, "data": "0x" + creation})
    address = web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]

    def words(values: list[int]) -> bytes:
        return b"".join(v.to_bytes(32, "big") for v in values)

    def run(scalars: list[int], vectors: list[int], code: bytes, results: int) -> list[int]:
        arguments = (words(scalars), words(vectors), code, results)
        data = abi.selector("run(bytes,bytes,bytes,uint256)")
        data += encode(["bytes", "bytes", "bytes", "uint256"], arguments)
        answered = web3.eth.call({"to": address, "from": sender, "data": data, "gas": 16_000_000})
        (out,) = decode(["bytes"], bytes(answered))
        return [int.from_bytes(out[i : i + 32], "big") for i in range(0, len(out), 32)]

    return run


ALL = [op for op in Op if op != Op.END]


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name.lower())
def test_an_operation_is_what_the_model_says(machine, op):
    rng = random.Random(op.value)
    for _ in range(PROGRAMS):
        code, scalars, memory, expected = program(rng, [op] * 8)
        results = len(expected) - len(memory) - len(scalars)
        assert machine(scalars, memory, code, results) == expected


def test_operations_in_any_order(machine):
    rng = random.Random(1)
    for _ in range(PROGRAMS):
        ops = [rng.choice(ALL) for _ in range(OPERATIONS)]
        code, scalars, memory, expected = program(rng, ops)
        results = len(expected) - len(memory) - len(scalars)
        assert machine(scalars, memory, code, results) == expected
