"""Keccak-256, as Ethereum uses it (the padding of 2011, not that of SHA-3).

The state is 25 lanes of 64 bits, lane ``x + 5 y`` (The Keccak reference, version 3.0). A proof
needs a few hundred permutations of about 0.25 ms, so that plain Python is enough.
"""

from __future__ import annotations

from typing import Final

_RATE: Final = 136
_MASK: Final = (1 << 64) - 1


def _round_constants() -> tuple[int, ...]:
    """The 24 constants of iota: bits 0, 1, 3, 7, .. of an 8-bit shift register."""
    register, constants = 1, []
    for _ in range(24):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << ((1 << j) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


def _rho_and_pi() -> tuple[tuple[int, int, int], ...]:
    """For each lane after pi: the lane it comes from, its column, and its rotation by rho."""
    rotations, x, y = [0] * 25, 1, 0
    for t in range(24):
        rotations[x + 5 * y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    moves = {}
    for lane in range(25):
        x, y = lane % 5, lane // 5
        moves[y + 5 * ((2 * x + 3 * y) % 5)] = (lane, x, rotations[lane])
    return tuple(moves[target] for target in range(25))


_CONSTANTS: Final = _round_constants()
_MOVES: Final = _rho_and_pi()


def _permute(a: list[int]) -> list[int]:
    """Keccak-f[1600]."""
    for constant in _CONSTANTS:
        c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20]
        c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21]
        c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22]
        c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23]
        c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24]
        d = (
            c4 ^ ((c1 << 1 | c1 >> 63) & _MASK),
            c0 ^ ((c2 << 1 | c2 >> 63) & _MASK),
            c1 ^ ((c3 << 1 | c3 >> 63) & _MASK),
            c2 ^ ((c4 << 1 | c4 >> 63) & _MASK),
            c3 ^ ((c0 << 1 | c0 >> 63) & _MASK),
        )
        b = []
        for lane, x, rotation in _MOVES:
            value = a[lane] ^ d[x]
            b.append((value << rotation | value >> (64 - rotation)) & _MASK)
        a = []
        for y in (0, 5, 10, 15, 20):
            b0, b1, b2, b3, b4 = b[y : y + 5]
            a += (b0 ^ ~b1 & b2, b1 ^ ~b2 & b3, b2 ^ ~b3 & b4, b3 ^ ~b4 & b0, b4 ^ ~b0 & b1)
        a[0] ^= constant
    return a


def keccak256(data: bytes) -> bytes:
    """The 32-byte digest of ``data``."""
    padded = bytearray(data) + bytes(_RATE - len(data) % _RATE)
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    state = [0] * 25
    for start in range(0, len(padded), _RATE):
        for lane in range(_RATE // 8):
            at = start + 8 * lane
            state[lane] ^= int.from_bytes(padded[at : at + 8], "little")
        state = _permute(state)
    return b"".join(lane.to_bytes(8, "little") for lane in state[:4])
