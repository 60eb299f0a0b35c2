"""Other values for one field: wrong elements, and encodings that are not canonical."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.hostile.scene import Change, Try, Way
from tests.soundness.proofs import Claim, native
from verifai.verifier.native.curve import Q
from verifai.verifier.native.field import P

GENERATOR: Final = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")
#: A cube root of one in the field of coordinates: (x, y) -> (CUBE_ROOT x, y) stays on the curve.
CUBE_ROOT: Final = pow(3, (Q - 1) // 3, Q)
NUMBERS: Final = ("scalar", "word")
ELEMENTS: Final = ("scalar", "word", "point", "digest", "coordinate")


def flip(a: Try) -> Claim:
    bad = bytearray(a.value)
    bad[a.random.randrange(len(bad))] ^= 1 << a.random.randrange(8)
    return a.with_value(bytes(bad))


def replace_byte(a: Try) -> Claim:
    bad = bytearray(a.value)
    bad[a.random.randrange(len(bad))] = a.random.randrange(256)
    return a.with_value(bytes(bad))


def as_bytes(make: Callable[[Try], bytes]) -> Change:
    """Bytes of any meaning or none."""
    return lambda a: a.with_value(make(a))


def as_number(make: Callable[[Try, int], int]) -> Change:
    """A number, reduced: canonical."""
    return lambda a: a.with_value((make(a, number(a.value)) % P).to_bytes(32, "big"))


def encoded(make: Callable[[Try, int], int]) -> Change:
    """A number as it is: whether it fits the field is not looked at."""

    def change(a: Try) -> Claim | None:
        value = make(a, number(a.value))
        return a.with_value(value.to_bytes(32, "big")) if 0 <= value < 1 << 256 else None

    return change


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def coordinates(a: Try) -> tuple[int, int]:
    return number(a.value[:32]), number(a.value[32:])


def at(x: int, y: int) -> bytes:
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def one_coordinate(make: Callable[[Try, int], int]) -> Change:
    """x or y, whichever chance chooses, as it is."""

    def change(a: Try) -> Claim | None:
        pair = list(coordinates(a))
        place = a.random.randrange(2)
        pair[place] = make(a, pair[place])
        return a.with_value(at(*pair)) if 0 <= pair[place] < 1 << 256 else None

    return change


def times(point: bytes, scalar: int) -> bytes:
    return bytes(native().bn254_mul(point + (scalar % P).to_bytes(32, "big")))


def plus(a: bytes, b: bytes) -> bytes:
    return bytes(native().bn254_add(a + b))


def mapped(a: Try) -> bytes:
    """The point's image under the curve's automorphism of order 3."""
    x, y = coordinates(a)
    return at(x * CUBE_ROOT % Q, y)


def lane(a: Try, value: int) -> int:
    """Another value in one of a word's eight lanes of 16 bits."""
    place = 16 * a.random.randrange(8)
    old = value >> place & 0xFFFF
    new = (old + a.random.choice((-1, 1, 256, 1 << 15))) & 0xFFFF
    return value + (new - old << place)


def rows() -> list[Way]:
    """The ways."""

    def way(name: str, kinds: tuple[str, ...], change: Change) -> Way:
        return Way(name, "another value", kinds, (), change)

    def point(name: str, make: Callable[[Try], bytes]) -> Way:
        return way(name, ("point",), as_bytes(make))

    return [
        way("a bit flipped", ELEMENTS, flip),
        way("a byte replaced", ELEMENTS, replace_byte),
        way("random bytes", ELEMENTS, as_bytes(lambda a: a.random.randbytes(len(a.value)))),
        way("all ones", ELEMENTS, as_bytes(lambda a: b"\xff" * len(a.value))),
        way("zero", ELEMENTS, as_bytes(lambda a: bytes(len(a.value)))),
        way("one", NUMBERS, as_number(lambda a, v: 1)),
        way("p - 1", NUMBERS, as_number(lambda a, v: P - 1)),
        way("one more", NUMBERS, as_number(lambda a, v: v + 1)),
        way("one less", NUMBERS, as_number(lambda a, v: v - 1)),
        way("twice", NUMBERS, as_number(lambda a, v: 2 * v)),
        way("negated", NUMBERS, as_number(lambda a, v: -v)),
        way("random number", NUMBERS, as_number(lambda a, v: a.random.randrange(P))),
        way("p", NUMBERS, encoded(lambda a, v: P)),
        way("value + p", NUMBERS, encoded(lambda a, v: v + P * a.random.randint(1, 4))),
        way("a lane changed", ("word",), encoded(lane)),
        way("a bit above", ("word",), encoded(lambda a, v: v + (1 << a.random.randint(128, 253)))),
        way("coordinate + q", ("point",), one_coordinate(lambda a, v: v + Q)),
        way("coordinate q", ("point",), one_coordinate(lambda a, v: Q)),
        way("coordinate negated", ("point",), one_coordinate(lambda a, v: Q - v)),
        way("a coordinate zero", ("point",), one_coordinate(lambda a, v: 0)),
        way("off the curve", ("point",), one_coordinate(lambda a, v: (v + 1) % Q)),
        point("coordinates exchanged", lambda a: a.value[32:] + a.value[:32]),
        point("point negated", lambda a: times(a.value, -1)),
        point("point doubled", lambda a: plus(a.value, a.value)),
        point("point + G", lambda a: plus(a.value, GENERATOR)),
        point("generator", lambda a: GENERATOR),
        point("random point", lambda a: times(GENERATOR, a.random.randrange(1, P))),
        point("automorphic point", mapped),
    ]
