"""Ceremonies made for the tests of ``verifai srs fetch``: files, addresses, who hears of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.hostile.strings import TAU, Q, header, powers, powers_g2, ptau, section
from verifai.circuit.ceremony_files import CeremonyFile

#: What a strict server of "https" is asked for; the tests' own is named with ``url``.
ADDRESS = "https://ceremony.invalid/"
#: What no reader of addresses should trip over, late or with an error of its own.
NO_ADDRESS = [
    "http://[::1/x",
    "http://[zz]/",
    "http://[::1]x/",
    "http://[v1.a]/",
    "http://" + "a" * 70 + ".com/",
    "http://" + "a." * 130 + "com/",
    "http://a..b/",
    "http://xn--\xff.com/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:" + "9" * 5000 + "/",
    "http://127.0.0.1:abc/",
    "http://a b/",
    "http://user@127.0.0.1/",
    "http://%zz/",
    "http://",
    "http:///x",
    "ftp://127.0.0.1/x",
    "http://127.0.0.1/" + "a" * 3000,
]


def prepared(log2: int, tau: int = TAU, more: int = 40_000) -> bytes:
    """A .ptau file of power ``log2``, with a section that nobody reads, as prepared ones have."""
    n = 1 << log2
    return ptau(
        [
            section(1, header(log2)),
            section(2, powers(2 * n - 1, tau)),
            section(3, powers_g2(2, tau) + bytes(128 * (n - 2))),
            section(12, bytes(more)),
        ]
    )


def plain(log2: int, tau: int = TAU) -> bytes:
    """Points as Ignition's file has them: the EVM's form, without tau G2."""
    montgomery = powers(1 << log2, tau)
    coordinates = (montgomery[i : i + 32] for i in range(0, len(montgomery), 32))
    return b"".join(
        (int.from_bytes(c, "little") * pow(1 << 256, -1, Q) % Q).to_bytes(32, "big")
        for c in coordinates
    )


def published(data: bytes, name: str = "made.ptau") -> CeremonyFile:
    digest = hashlib.blake2b(data).hexdigest()
    return CeremonyFile(name, ADDRESS + name, len(data), blake2b=digest)


def files(folder: Path) -> set[str]:
    """What lies in the data folder, but for the lock."""
    return {path.name for path in folder.iterdir()} - {".lock-made"}


class Heard:
    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, description: str) -> None:
        self.stages.append(description)
