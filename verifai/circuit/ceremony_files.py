"""Where the files of public ceremonies lie, and what is published about them.

``ppot``: snarkjs' ``.ptau`` files of the Perpetual Powers of Tau, "prepared for phase 2", one for
each power; names, addresses and BLAKE2b-512 digests are those of snarkjs' README (0.7.5). Sizes
follow from the format: 1,152 bytes for a power, and 83,096 with the contributions' records.

``aztec-ignition``: the ceremony's points G1, tau G1, ... in the EVM's form, in one file of 6.4 GB
that Aztec's own prover reads; only the first ones are fetched. There is no digest of a part, and
none is needed: points that pair with the pinned tau G2 are the powers of its tau, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_POINT_BYTES: Final = 64
_PTAU_BYTES_PER_POWER: Final = 1152
_PTAU_RECORDS: Final = 83_096


@dataclass(frozen=True)
class CeremonyFile:
    """A file of a ceremony, or its beginning.

    Attributes:
        name: of the file, once it is here.
        url: where it is.
        size: bytes of it that are needed.
        whole: whether that is the whole file.
        blake2b: its published BLAKE2b-512 digest in hex; None for points that are checked against
            the pinned tau G2 alone.
    """

    name: str
    url: str
    size: int
    whole: bool = True
    blake2b: str | None = None


@dataclass(frozen=True)
class Source:
    """The files of one ceremony.

    Attributes:
        ptau: ``.ptau`` files by the log2 of their powers; empty if there are none.
        points: the address of the file of plain points, or None.
    """

    ptau: Mapping[int, CeremonyFile]
    points: str | None = None

    def file(self, log2: int) -> CeremonyFile | None:
        """The smallest file with 2**log2 powers, or None."""
        if self.points is not None:
            stem, dot, ending = self.points.rpartition("/")[2].rpartition(".")
            name = f"{stem}-{log2}{dot}{ending}"  # its beginning is another file for each size
            return CeremonyFile(name, self.points, _POINT_BYTES << log2, whole=False)
        return next((self.ptau[k] for k in sorted(self.ptau) if k >= log2), None)


_PTAU_ADDRESS: Final = "https://storage.googleapis.com/zkevm/ptau/"
_PTAU_DIGESTS: Final = {
    8: (
        "d6a8fb3a04feb600096c3b791f936a578c4e664d262e4aa24beed1b7a9a96aa5"
        "eb72864d628db247e9293384b74b36ffb52ca8d148d6e1b8b51e279fdf57b583"
    ),
    9: (
        "94f108a80e81b5d932d8e8c9e8fd7f46cf32457e31462deeeef37af1b71c2c1b"
        "3c71fb0d9b59c654ec266b042735f50311f9fd1d4cadce47ab234ad163157cb5"
    ),
    10: (
        "6cfeb8cda92453099d20120bdd0e8a5c4e7706c2da9a8f09ccc157ed2464d921"
        "fd0437fb70db42104769efd7d6f3c1f964bcf448c455eab6f6c7d863e88a5849"
    ),
    11: (
        "47c282116b892e5ac92ca238578006e31a47e7c7e70f0baa8b687f0a5203e28e"
        "a07bbbec765a98dcd654bad618475d4661bfaec3bd9ad2ed12e7abc251d94d33"
    ),
    12: (
        "ded2694169b7b08e898f736d5de95af87c3f1a64594013351b1a796dbee393bd"
        "825f88f9468c84505ddd11eb0b1465ac9b43b9064aa8ec97f2b73e04758b8a4a"
    ),
    13: (
        "58efc8bf2834d04768a3d7ffcd8e1e23d461561729beaac4e3e7a47829a1c906"
        "6d5320241e124a1a8e8aa6c75be0ba66f65bc8239a0542ed38e11276f6fdb4d9"
    ),
    14: (
        "eeefbcf7c3803b523c94112023c7ff89558f9b8e0cf5d6cdcba3ade60f168af4"
        "a181c9c21774b94fbae6c90411995f7d854d02ebd93fb66043dbb06f17a831c1"
    ),
    15: (
        "982372c867d229c236091f767e703253249a9b432c1710b4f326306bfa2428a1"
        "7b06240359606cfe4d580b10a5a1f63fbed499527069c18ae17060472969ae6e"
    ),
    16: (
        "6a6277a2f74e1073601b4f9fed6e1e55226917efb0f0db8a07d98ab01df1ccf4"
        "3eb0e8c3159432acd4960e2f29fe84a4198501fa54c8dad9e43297453efec125"
    ),
    17: (
        "6247a3433948b35fbfae414fa5a9355bfb45f56efa7ab4929e669264a0258976"
        "741dfbe3288bfb49828e5df02c2e633df38d2245e30162ae7e3bcca5b8b49345"
    ),
    18: (
        "7e6a9c2e5f05179ddfc923f38f917c9e6831d16922a902b0b4758b8e79c2ab8a"
        "81bb5f29952e16ee6c5067ed044d7857b5de120a90704c1d3b637fd94b95b13e"
    ),
    19: (
        "bca9d8b04242f175189872c42ceaa21e2951e0f0f272a0cc54fc37193ff66486"
        "00eaf1c555c70cdedfaf9fb74927de7aa1d33dc1e2a7f1a50619484989da0887"
    ),
    20: (
        "89a66eb5590a1c94e3f1ee0e72acf49b1669e050bb5f93c73b066b564dca4e0c"
        "7556a52b323178269d64af325d8fdddb33da3a27c34409b821de82aa2bf1a27b"
    ),
}


def _ptau(log2: int, blake2b: str) -> CeremonyFile:
    name = f"powersOfTau28_hez_final_{log2:02}.ptau"
    size = _PTAU_RECORDS + (_PTAU_BYTES_PER_POWER << log2)
    return CeremonyFile(name, _PTAU_ADDRESS + name, size, blake2b=blake2b)


#: By the names of :data:`verifai.proof.reference_string.CEREMONIES`.
SOURCES: Final = {
    "aztec-ignition": Source(
        {}, "https://aztec-ignition.s3.amazonaws.com/MAIN%20IGNITION/flat/g1.dat"
    ),
    "ppot": Source({log2: _ptau(log2, blake2b) for log2, blake2b in _PTAU_DIGESTS.items()}),
}
