"""Files of reference strings: halo2's form and snarkjs' .ptau, honest and forged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from py_ecc import optimized_bn128 as bn

import verifai
from tests.hostile.route import KINDS, command, refusal, refused_everywhere
from tests.hostile.strings import (
    G1_AT_INFINITY,
    G2_AT_INFINITY,
    TAU,
    g1,
    g2,
    halo2,
    header,
    outside_subgroup,
    powers,
    powers_g2,
    ptau,
    section,
    sections,
)
from verifai.errors import MalformedError, UnsupportedError, UsageError
from verifai.proof import Proof
from verifai.proof.reference_string import CEREMONIES, Ceremony

K = 7
N = 1 << K
POINT, POINT_G2 = 64, 128
Q = bn.field_modulus


def replaced(data: bytes, at: int, part: bytes) -> bytes:
    return data[:at] + part + data[at + len(part) :]


def other_points(at: int, point: bytes) -> bytes:
    return replaced(powers(N), POINT * at, point)


def beyond(data: bytes, at: int) -> bytes:
    """The coordinate plus q: the same point in another form."""
    value = int.from_bytes(data[at : at + 32], "little") + Q
    return replaced(data, at, value.to_bytes(32, "little"))


#: Attacks on the points, for both forms: powers in G1, then the generator and tau in G2.
POINTS: dict[str, Callable[[], tuple[bytes, bytes]]] = {
    "points off the curve": lambda: (other_points(3, b"\1" * POINT), powers_g2(2)),
    "a power at infinity": lambda: (other_points(3, G1_AT_INFINITY), powers_g2(2)),
    "a coordinate beyond q": lambda: (beyond(powers(N), POINT * 3), powers_g2(2)),
    "all ones": lambda: (other_points(3, b"\xff" * POINT), powers_g2(2)),
    "two powers swapped": lambda: (
        other_points(3, powers(N)[4 * POINT : 5 * POINT] + powers(N)[3 * POINT : 4 * POINT]),
        powers_g2(2),
    ),
    "a power twice": lambda: (other_points(4, powers(N)[3 * POINT : 4 * POINT]), powers_g2(2)),
    "the last power of another tau": lambda: (
        other_points(N - 1, g1(bn.multiply(bn.G1, 5))),
        powers_g2(2),
    ),
    "powers of another generator": lambda: (
        b"".join(g1(bn.multiply(bn.G1, 2 * pow(TAU, i, bn.curve_order))) for i in range(N)),
        powers_g2(2),
    ),
    "tau = 0": lambda: (powers(1) + G1_AT_INFINITY * (N - 1), powers_g2(1) + G2_AT_INFINITY),
    "tau = 0 in G1 only": lambda: (powers(1) + G1_AT_INFINITY * (N - 1), powers_g2(2)),
    "another tau in G2": lambda: (powers(N), powers_g2(2, TAU + 1)),
    "tau G2 at infinity": lambda: (powers(N), powers_g2(1) + G2_AT_INFINITY),
    "tau G2 off the curve": lambda: (powers(N), powers_g2(1) + b"\1" * POINT_G2),
    "tau G2 beyond q": lambda: (powers(N), beyond(powers_g2(2), POINT_G2)),
    "tau G2 outside the subgroup": lambda: (powers(N), powers_g2(1) + outside_subgroup()),
    "another generator of G2": lambda: (powers(N), g2(bn.multiply(bn.G2, 3)) + powers_g2(2)[128:]),
    "G2 swapped": lambda: (powers(N), powers_g2(2)[128:] + powers_g2(2)[:128]),
}


@pytest.mark.parametrize("name", POINTS)
def test_points_of_a_halo2_file(name: str, folder: Path) -> None:
    g1s, g2s = POINTS[name]()
    path = folder / "attack.srs"
    path.write_bytes(halo2(K, g1s=g1s, g2s=g2s))
    assert isinstance(refused_everywhere("reference string", path, folder), MalformedError)


@pytest.mark.parametrize("name", POINTS)
def test_points_of_a_ptau_file(name: str, folder: Path) -> None:
    g1s, g2s = POINTS[name]()
    # of power k - 1, with one power less than 2^k; what follows tau in G2 is not read
    half = N // 2
    path = folder / "attack.ptau"
    g2s += bytes((half - 2) * POINT_G2)
    g1s = g1s[: (N - 2) * POINT] + g1s[-POINT:] if name.startswith("the last") else g1s[:-POINT]
    path.write_bytes(ptau([section(1, header(K - 1)), section(2, g1s), section(3, g2s)]))
    assert isinstance(refused_everywhere("reference string", path, folder), MalformedError)


HALO2: dict[str, Callable[[bytes], bytes]] = {
    "k = 0": lambda d: replaced(d, 0, bytes(4)),
    "k = 27": lambda d: replaced(d, 0, (27).to_bytes(4, "little")),
    "k = 2^32 - 1": lambda d: b"\xff" * 4 + d[4:],
    "k one more": lambda d: replaced(d, 0, (K + 1).to_bytes(4, "little")),
    "k one less": lambda d: replaced(d, 0, (K - 1).to_bytes(4, "little")),
    "two bytes": lambda d: d[:2],
    "only k": lambda d: d[:4],
    "cut in the powers": lambda d: d[: 4 + POINT * 5],
    "cut in the Lagrange basis": lambda d: d[: 4 + POINT * (N + 1)],
    "without tau G2": lambda d: d[:-128],
    "a byte less": lambda d: d[:-1],
    "a byte more": lambda d: d + b"\0",
    "zeros": lambda d: d[:4] + bytes(len(d) - 4),
}


@pytest.mark.parametrize("name", HALO2)
def test_the_form_of_a_halo2_file(name: str, folder: Path) -> None:
    path = folder / "attack.srs"
    path.write_bytes(HALO2[name](halo2(K)))
    assert isinstance(refused_everywhere("reference string", path, folder), MalformedError)


def header_of(**changes: int) -> list[bytes]:
    return [section(1, header(**{"log2": 2, **changes})), *sections(2)[1:]]


PTAU: dict[str, Callable[[], bytes]] = {
    "the magic only": lambda: b"ptau",
    "version 0": lambda: ptau(sections(2), version=0),
    "a version from the future": lambda: ptau(sections(2), version=2),
    "no sections": lambda: ptau([]),
    "2^32 - 1 sections": lambda: ptau(sections(2), count=(1 << 32) - 1),
    "one section more than there is": lambda: ptau(sections(2), count=4),
    "one section less than there is": lambda: ptau(sections(2), count=2),
    "no header": lambda: ptau(sections(2)[1:]),
    "no powers in G1": lambda: ptau([sections(2)[0], sections(2)[2]]),
    "no powers in G2": lambda: ptau(sections(2)[:2]),
    "two headers": lambda: ptau([sections(2)[0], *sections(2)]),
    "two sections of powers": lambda: ptau([*sections(2), sections(2)[1]]),
    "a section of 2^64 - 1 bytes": lambda: ptau([*sections(2), section(9, b"", (1 << 64) - 1)]),
    "a section of 2^63 bytes": lambda: ptau([section(9, b"", 1 << 63), *sections(2)]),
    "a section over the end": lambda: ptau([*sections(2), section(9, b"x", 2)]),
    "sections that overlap": lambda: ptau(
        [section(1, header(2)), section(2, powers(7), 7 * POINT - 12), section(3, powers_g2(4))]
    ),
    "an empty header": lambda: ptau([section(1, b""), *sections(2)[1:]]),
    "a long header": lambda: ptau([section(1, header(2) + b"\0"), *sections(2)[1:]]),
    "a power too many": lambda: ptau(
        [section(1, header(2)), section(2, powers(8)), section(3, powers_g2(4))]
    ),
    "a power too few": lambda: ptau(
        [section(1, header(2)), section(2, powers(6)), section(3, powers_g2(4))]
    ),
    "power 0": lambda: ptau(header_of(log2=0)),
    "power 29": lambda: ptau(header_of(log2=29)),
    "power 2^32 - 1": lambda: ptau(header_of(log2=(1 << 32) - 1)),
    "power 28 in a small file": lambda: ptau(header_of(log2=28)),
    "a ceremony smaller than its file": lambda: ptau(header_of(ceremony=1)),
    "another curve": lambda: ptau(header_of(prime=bn.curve_order)),
    "the curve of Ethereum's keys": lambda: ptau(header_of(prime=(1 << 256) - (1 << 32) - 977)),
    "a byte more": lambda: ptau(sections(2)) + b"\0",
    "a byte less": lambda: ptau(sections(2))[:-1],
}


@pytest.mark.parametrize("name", PTAU)
def test_the_form_of_a_ptau_file(name: str, folder: Path) -> None:
    path = folder / "attack.ptau"
    path.write_bytes(PTAU[name]())
    assert isinstance(refused_everywhere("reference string", path, folder), MalformedError)


def test_a_ptau_file_cut_at_every_section(tmp_path: Path) -> None:
    good = ptau(sections(2))
    at = 12
    for part in sections(2):
        for cut in (at - 1, at, at + 4, at + 11, at + 12, at + len(part) - 1):
            (tmp_path / "a.ptau").write_bytes(good[:cut])
            refusal(lambda: verifai.SRS.load(tmp_path / "a.ptau"))
        at += len(part)


def test_both_forms_are_one_string(folder: Path) -> None:
    """The same name, whatever file and however many powers, and keys that verify."""
    halo = verifai.SRS.load(folder / "small.srs")
    (folder / "a.ptau").write_bytes(ptau(sections(K)))
    other = verifai.SRS.load(folder / "a.ptau")
    assert (halo.id, halo.kind, halo.log2) == (other.id, other.kind, other.log2)
    assert (other.kind, other.log2) == ("custom", K)
    (folder / "b.ptau").write_bytes(ptau([section(7, b"contributions"), *sections(K)[::-1]]))
    assert verifai.SRS.load(folder / "b.ptau").id == halo.id
    words = "setup circuit.vfc --srs {} --pk {out}.vfp --vk {out}.vfk"
    for name in ("small.srs", "a.ptau"):
        code, value = command(words, folder, path=folder / name, out=name)
        assert code == 0, value
    first, second = (
        verifai.VerifyingKey.load(folder / f"{name}.vfk") for name in ("small.srs", "a.ptau")
    )
    assert first.guarantees == second.guarantees
    assert first.guarantees.srs == "custom"
    prove = "prove a.ptau.vfp --input input.json --out a.vfb"
    assert command(prove, folder)[0] == 0
    verifai.verify(Proof.load(folder / "a.vfb"), second)


def test_a_small_ptau_is_refused_by_the_circuit(folder: Path) -> None:
    (folder / "a.ptau").write_bytes(ptau(sections(K - 1)))
    words = KINDS["reference string"].command
    code, value = command(words, folder, path=folder / "a.ptau", new=folder / "new")
    assert (code, value["error"]) == (2, UsageError.__name__)
    assert not (folder / "new").exists()


def test_a_ceremony_is_known_by_its_tau(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pinned tau makes a ceremony; the file's name, comments and powers do not."""
    x, y = bn.normalize(bn.multiply(bn.G2, TAU))
    pinned = (*map(int, x.coeffs), *map(int, y.coeffs))
    (folder / "a.ptau").write_bytes(ptau(sections(K)))
    for path in ("a.ptau", "small.srs"):
        assert verifai.SRS.load(folder / path).kind == "custom"
    monkeypatch.setitem(CEREMONIES, "test", Ceremony("for tests", pinned))  # type: ignore[arg-type]
    for path in ("a.ptau", "small.srs"):
        srs = verifai.SRS.load(folder / path)
        assert (srs.kind, srs.ceremony) == ("ceremony", "test")
        assert "ceremony test" in repr(srs)


def test_ezkl_needs_the_other_form(folder: Path) -> None:
    (folder / "a.ptau").write_bytes(ptau(sections(2)))
    srs = verifai.SRS.load(folder / "a.ptau")
    circuit = replace(verifai.Circuit.load(folder / "circuit.vfc"), backend="ezkl")
    with pytest.raises(UnsupportedError, match=r"\.ptau"):
        verifai.setup(circuit, srs=srs)
