"""Field, tiles and linear forms of the slow prover: see :mod:`tests.verifier.reference_prover`."""

from __future__ import annotations

import numpy as np

from tests.verifier.circuits import Array
from verifai.verifier.native.keccak import keccak256

P = 21888242871839275222246405745257275088548364400416034343698204186575808495617
TAU = 0x1234567890ABCDEF1234567890ABCDEF


def bits(n: int) -> int:
    return len(bin(n - 1)) - 2 if n > 1 else 0


def inv(a: int) -> int:
    return pow(a, P - 2, P)


def eq(point: list[int]) -> list[int]:
    table = [1]
    for x in point:
        table = [t * s % P for t in table for s in ((1 - x) % P, x)]
    return table


def fold(table: list[int], x: int) -> list[int]:
    half = len(table) // 2
    return [(a + x * (b - a)) % P for a, b in zip(table[:half], table[half:], strict=True)]


def multilinear(table: list[int], point: list[int]) -> int:
    for x in point:
        table = fold(table, x)
    return table[0]


def encode(point: tuple[int, int] | None) -> bytes:
    x, y = point or (0, 0)
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


class Writer:
    """Transcript and proof at once; ``sent`` lists (label, first byte, bytes of one element)."""

    def __init__(self) -> None:
        self.state = keccak256(b"verifai-native-2")
        self.proof = b""
        self.sent: list[tuple[str, int, int]] = []

    def step(self, operation: int, kind: int, label: str, payload: bytes) -> None:
        head = bytes([operation, kind]) + len(payload).to_bytes(8, "big")
        head += label.encode() + bytes(22 - len(label))
        self.state = keccak256(self.state + head + payload)

    def send(self, label: str, kind: int, elements: list[bytes]) -> None:
        if elements:
            for element in elements:
                self.sent.append((label, len(self.proof), len(element)))
                self.proof += element
            self.step(1, kind, label, b"".join(elements))

    def scalars(self, label: str, values: list[int]) -> None:
        self.send(label, 1, [(v % P).to_bytes(32, "big") for v in values])

    def draw(self, label: str) -> int:
        self.step(2, 0, label, b"")
        return int.from_bytes(self.state, "big") % P

    def draws(self, label: str, count: int) -> list[int]:
        return [self.draw(label) for _ in range(count)]


class Tile:
    """dims and outer axes with the batch; ``base`` is set when it is packed."""

    def __init__(self, dims: tuple[int, ...], outer: tuple[int, ...] = ()) -> None:
        self.dims, self.outer, self.base = tuple(dims), tuple(outer), 0
        self.inner = sum(bits(d) for a, d in enumerate(dims) if a not in outer)
        self.size = 2**self.inner
        for a in outer:
            self.size *= dims[a]

    def addresses(self) -> Array:
        """The address of every index."""
        out = np.zeros(self.dims, dtype=object)
        for index in np.ndindex(*self.dims):
            row = low = 0
            for a, (i, d) in enumerate(zip(index, self.dims, strict=True)):
                if a in self.outer:
                    row = row * d + i
                else:
                    low = (low << bits(d)) + i
            out[index] = self.base + (row << self.inner) + low
        return out


def pack(tiles: list[Tile], start: int) -> int:
    for tile in sorted(tiles, key=lambda b: b.inner, reverse=True):
        tile.base = start
        start += tile.size
    return start


Linear = dict[int, int]  # address -> coefficient; -1 is the constant


def combine(*terms: tuple[int, Linear]) -> Linear:
    out: Linear = {}
    for factor, form in terms:
        for address, c in form.items():
            out[address] = (out.get(address, 0) + factor * c) % P
    return out


def next_claim(claim: Linear, message: list[Linear], t: int) -> Linear:
    """The value at t of the polynomial with s(0), s(2), .., s(d) = message, s(0) + s(1) = claim."""
    values = [message[0], combine((1, claim), (-1, message[0])), *message[1:]]
    terms = []
    for i, value in enumerate(values):
        weight = 1
        for j in range(len(values)):
            if j != i:
                weight = weight * (t - j) * inv(i - j) % P
        terms.append((weight, value))
    return combine(*terms)
