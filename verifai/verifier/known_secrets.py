"""Secrets that a person would take for want of a random one, by name: published ones and disguises.

:mod:`verifai.verifier.known_tau` refuses each with either sign. What a search finds (small numbers,
fractions of them, powers of two) is not listed here.
"""

from __future__ import annotations

import hashlib
from functools import cache
from math import gcd
from typing import Final

from py_ecc.optimized_bn128 import curve_order

from verifai.limits import MAX_KNOWN_TAU
from verifai.verifier.native.keccak import keccak256

_R: Final = curve_order

#: Secrets that stand in public code, by where.
PUBLISHED: Final = {
    "the development string of verifai: keccak256('verifai INSECURE development SRS v1') mod p": (
        0x11A9FFEAD6F48F45B9EE002AA2FD5DFECA0DCC36D0A5A96303816568CC6A747A
    ),
    "halo2's test setup from ChaCha20 with the all-zero seed (snark-verifier, halo2-lib)": (
        0x1C59A59B6CFF4308740943526ADE1D8C09F71B337A67269CC89586BCDD6DFCBA
    ),
    "the test setup of go-kzg and its descendants": 1927409816240961209460912649124,
    "a fourth root of unity": pow(5, (_R - 1) // 4, _R),
}

#: Generators of the scalar field's units from which programs take roots of unity: arkworks, gnark
#: and snarkjs take 5, halo2 takes 7.
GENERATORS: Final = (5, 7)
#: log2 of the largest power of two that divides r - 1.
TWO_ADICITY: Final = 28
#: Every root of unity of an order up to this is refused; beyond, those of the generators.
SMALL_ORDER: Final = 64
#: Odd divisors of r - 1 beyond this are no small orders.
LARGE_ORDER: Final = 1 << 16

#: Hexadecimal words that programmers take for numbers.
WORDS: Final = (
    "deadbeef cafebabe feedface deadc0de baadf00d badc0ffee badcafe 8badf00d c0ffee00 feedbeef "
    "c001d00d defec8ed facefeed f00dbabe 12345678 87654321 123456789abcdef 0123456789abcdef0 "
    "0123456789abcdef fedcba9876543210 0102030405060708 9e3779b9 9e3779b97f4a7c15"
)
#: Texts whose digest somebody may take.
TEXTS: Final = ("", "0", "1", "42", "test", "tau", "secret", "seed", "random", "toxic waste")


@cache
def secrets() -> dict[int, str]:
    """Every listed secret modulo r, one of each pair of signs, with what it is."""
    named = {secret: f"that of {where}" for where, secret in PUBLISHED.items()}
    for secret, what in (*_roots(), *_powers(), *_literals(), *_digests()):
        value = secret % _R
        if MAX_KNOWN_TAU < value < _R - MAX_KNOWN_TAU and _R - value not in named:
            named.setdefault(value, what)
    return named


def _roots() -> list[tuple[int, str]]:
    orders = {n for n in range(3, SMALL_ORDER + 1) if (_R - 1) % n == 0}
    orders |= {1 << k for k in range(1, TWO_ADICITY + 1)}
    orders |= {n for n in range(3, LARGE_ORDER, 2) if (_R - 1) % n == 0}
    found = []
    for n in orders:
        exponents = [i for i in range(1, n) if gcd(i, n) == 1] if n <= SMALL_ORDER else [1, -1]
        for generator in GENERATORS:
            root = pow(generator, (_R - 1) // n, _R)
            found += [(pow(root, i, _R), f"a root of unity of order {n}") for i in exponents]
    for generator in GENERATORS:  # of the units of odd order, as halo2 has for its permutation
        found.append((pow(generator, 1 << TWO_ADICITY, _R), f"{generator}^(2^{TWO_ADICITY})"))
    return found


def _powers() -> list[tuple[int, str]]:
    found = []
    for k in range(1, 78):
        found += [(10**k, f"10^{k}"), (pow(10, -k, _R), f"10^-{k}")]
    for base in (3, 5, 6, 7):
        found += [(base**k, f"{base}^{k}") for k in range(1, 41) if base**k < 1 << 64]
    for k in range(1, 257):
        found += [((1 << k) - 1, f"2^{k} - 1"), ((1 << k) + 1, f"2^{k} + 1")]
    found.append((4965661367192848881, "BN254's u"))
    return found


def _literals() -> list[tuple[int, str]]:
    found = [(int(word, 16), f"0x{word}") for word in WORDS.split()]
    for digits in ("1234567890" * 4, "9876543210" * 4):
        found += [(int(digits[:n]), digits[:n]) for n in range(7, 33)]
    counted = bytes(range(33))
    for first, count in ((0, 32), (1, 32), (0, 16), (1, 16)):
        text = counted[first : first + count]
        found += [(int.from_bytes(text, o), f"0x{text.hex()}") for o in ("big", "little")]
    for word in ("deadbeef", "cafebabe"):
        found += [(int(word * n, 16), f"0x{word * n}") for n in (2, 4, 8)]
    return found


def _digests() -> list[tuple[int, str]]:
    found = []
    for text in TEXTS:
        data = text.encode()
        for name, digest in (
            ("SHA-256", hashlib.sha256(data).digest()),
            ("Keccak-256", keccak256(data)),
        ):
            found += [
                (int.from_bytes(digest, order), f"{name} of {text!r} ({order} endian)")
                for order in ("big", "little")
            ]
    return found
