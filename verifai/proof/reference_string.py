"""Names of reference strings: a digest of tau H2, and the public ceremonies it is known by.

tau H2 determines tau, so that its digest names the string whatever file it came in and however
many powers were kept. A ceremony is recognised by that digest alone: what a file or a key says of
itself counts for nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from verifai.proof.codec import digest


class Ceremony(NamedTuple):
    """A public ceremony; one honest participant suffices for tau to be unknown.

    Attributes:
        title: what people call it.
        tau_g2: tau H2 as x.c0, x.c1, y.c0, y.c1.
    """

    title: str
    tau_g2: tuple[int, int, int, int]


#: Public ceremonies by name. Provenance of tau H2:
#: ``aztec-ignition``: it stands in each of that ceremony's verifier contracts (Aztec, zk.money).
#: ``ppot``: read from a powersOfTau28_hez_final_09.ptau that has the BLAKE2b-512 digest which
#: snarkjs publishes (94f108a8..157cb5); the same point stands in Polygon's FflonkVerifier.
CEREMONIES: Final = {
    "aztec-ignition": Ceremony(
        "Aztec Ignition, 2019/20, 176 participants",
        (
            0x0118C4D5B837BCC2BC89B5B398B5974E9F5944073B32078B7E231FEC938883B0,
            0x260E01B251F6F1C7E7FF4E580791DEE8EA51D87A358E038B4EFE30FAC09383C1,
            0x22FEBDA3C0C0632A56475B4214E5615E11E6DD3F96E6CEA2854A87D4DACC5E55,
            0x04FC6369F7110FE3D25156C1BB9A72859CF2A04641F99BA4EE413C80DA6A5FE4,
        ),
    ),
    "ppot": Ceremony(
        "Perpetual Powers of Tau as closed for Hermez, 54 contributions and a beacon",
        (
            21831381940315734285607113342023901060522397560371972897001948545212302161822,
            17231025384763736816414546592865244497437017442647097510447326538965263639101,
            2388026358213174446665280700919698872609886601280537296205114254867301080648,
            11507326595632554467052522095592665270651932854513688777769618397986436103170,
        ),
    ),
}

#: Name of the native backend's development string, whose tau is public: ``circuits/crates/srs``.
DEVELOPMENT_SRS: Final = "ddcaf264600e7454d45a5aad6e968c8174ee92756e3960bb9e83d503b164574a"


def g2_bytes(x0: int, x1: int, y0: int, y1: int) -> bytes:
    """A G2 point in the EVM's form: x.c1, x.c0, y.c1, y.c0, 32 bytes each, big-endian."""
    return b"".join(c.to_bytes(32, "big") for c in (x1, x0, y1, y0))


def srs_id(tau_g2: bytes) -> str:
    """The name of a reference string: 64 hex characters.

    Args:
        tau_g2: tau H2 in the EVM's form, 128 bytes.
    """
    return digest("srs-g2/1", tau_g2)


def ceremony_of(string: str) -> str | None:
    """Which of :data:`CEREMONIES` made the string with this :func:`srs_id`, if any."""
    for name, ceremony in CEREMONIES.items():
        if srs_id(g2_bytes(*ceremony.tau_g2)) == string:
            return name
    return None
