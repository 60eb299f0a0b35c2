"""A reference string whose tau everybody knows is refused wherever one enters."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from py_ecc import optimized_bn128 as bn

import verifai
from tests.hostile.route import command, refusal, refused_everywhere
from tests.hostile.strings import TAU, halo2, header, powers, powers_g2, ptau, section
from verifai.circuit.srs import SRS
from verifai.errors import MalformedError, VerificationError
from verifai.limits import MAX_KNOWN_TAU
from verifai.proof import Proof, VerifyingKey
from verifai.proof.reference_string import CEREMONIES, DEVELOPMENT_SRS, g2_bytes, srs_id
from verifai.verifier import twist
from verifai.verifier.known_secrets import PUBLISHED, secrets
from verifai.verifier.known_tau import known_tau
from verifai.verifier.native.keccak import keccak256

R = bn.curve_order
#: Secrets that no string may have.
KNOWN = {
    "powersoftau new": 1,
    "minus one": R - 1,
    "two, of many examples": 2,
    "minus two": R - 2,
    "42": 42,
    "a baby step": 1024,
    "between the steps": 1025,
    "a giant step": 2048,
    "half way between giant steps": 3072,
    "the bound": MAX_KNOWN_TAU,
    "minus the bound": R - MAX_KNOWN_TAU,
    **PUBLISHED,
    **{f"minus that of {name}": R - secret for name, secret in PUBLISHED.items()},
}
#: No secret is in them, however large they are: what :func:`known_tau` says of each.
DISGUISED = {
    "-1/2": -pow(2, -1, R),
    "1/3": pow(3, -1, R),
    "-1/1048575": -pow(MAX_KNOWN_TAU - 1, -1, R),
    "22/7": 22 * pow(7, -1, R),
    "-1023/1024": -1023 * pow(1024, -1, R),
    "2^21": 1 << 21,
    "-2^64": -(1 << 64),
    "2^256": 1 << 256,
    "-2^512": -(1 << 512),
    "2^-512": pow(2, -512, R),
    "3 * 2^100": 3 << 100,
    "2^61 - 1": (1 << 61) - 1,
    "2^128 + 1": (1 << 128) + 1,
    "10^18": 10**18,
    "-10^77": -(10**77),
    "10^-18": pow(10, -18, R),
    "7^20": 7**20,
    "123456789": 123456789,
    "0xdeadbeef": 0xDEADBEEF,
    "0x42 repeated, 32 bytes": int.from_bytes(b"\x42" * 32, "big"),
    "0xff repeated, 20 bytes": (1 << 160) - 1,
    "SHA-256 of '' (big endian)": int.from_bytes(hashlib.sha256().digest(), "big"),
    "the base field's modulus, a root of unity of order 12": bn.field_modulus,
    **{
        f"minus {generator}'s root of unity of order {order}": -pow(generator, (R - 1) // order, R)
        for generator in (5, 7)
        for order in (3, 8, 9, 12, 13, 29, 1 << 10, 1 << 28, 983)
    },
    "the inverse of a root of unity of order 268435456": pow(5, -((R - 1) >> 28), R),
    "7^(2^28)": pow(7, 1 << 28, R),
}
UNKNOWN = {"the tests'": TAU, "beyond the bound": 3 * MAX_KNOWN_TAU - 7, "1234567891": 1234567891}


def tau_g2(tau: int) -> tuple[int, int, int, int]:
    x, y = bn.normalize(bn.multiply(bn.G2, tau))
    x0, x1, y0, y1 = map(int, (*x.coeffs, *y.coeffs))
    return x0, x1, y0, y1


def small_ptau(tau: int) -> bytes:
    """Of power 1: three powers in G1, two in G2."""
    return ptau([section(1, header(1)), section(2, powers(3, tau)), section(3, powers_g2(2, tau))])


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_tau_is_refused(name: str, tmp_path: Path) -> None:
    tau = KNOWN[name]
    said = known_tau(*tau_g2(tau))
    assert said is not None
    if tau <= MAX_KNOWN_TAU or R - tau <= MAX_KNOWN_TAU:
        assert said == f"tau is {tau if tau <= MAX_KNOWN_TAU else tau - R}"
    (tmp_path / "a.ptau").write_bytes(small_ptau(tau))
    error = refusal(lambda: SRS.load(tmp_path / "a.ptau"))
    assert isinstance(error, MalformedError)
    assert said in error.message
    assert "verifai srs fetch" in (error.hint or "")


@pytest.mark.parametrize("name", DISGUISED)
def test_a_tau_in_disguise_is_known(name: str) -> None:
    said = known_tau(*tau_g2(DISGUISED[name] % R))
    assert said is not None
    if "root" in name:  # of an order that divides the one that was asked for, with either sign
        assert "root of unity of order" in said
    else:
        plain = said.removeprefix("tau is ").replace("minus ", "-")
        assert plain == name or {plain, name} == {"2^160 - 1", "0xff repeated, 20 bytes"}


def test_a_disguise_is_refused_where_it_enters(tmp_path: Path) -> None:
    (tmp_path / "a.ptau").write_bytes(small_ptau(pow(7, (R - 1) >> 28, R)))
    with pytest.raises(MalformedError, match="root of unity of order 268435456"):
        SRS.load(tmp_path / "a.ptau")


def test_each_listed_secret_is_listed_once_and_is_found_by_its_point() -> None:
    listed = secrets()
    assert not any(R - secret in listed for secret in listed)
    points = twist.of_generator(list(listed))
    assert len({point[0] for point in points}) == len(listed)
    for secret, point in list(zip(listed, points, strict=True))[::100]:
        assert tau_g2(secret) == (*point[0], *point[1])
        assert known_tau(*tau_g2(R - secret)) is not None


@pytest.mark.parametrize("tau", [1, R - 2, next(iter(PUBLISHED.values()))])
def test_a_known_tau_is_refused_in_halo2s_form(tau: int, tmp_path: Path) -> None:
    (tmp_path / "a.srs").write_bytes(halo2(1, tau=tau))
    with pytest.raises(MalformedError, match="Everybody knows"):
        SRS.load(tmp_path / "a.srs")


@pytest.mark.parametrize("name", UNKNOWN)
def test_another_tau_is_custom(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.ptau").write_bytes(small_ptau(UNKNOWN[name]))
    assert SRS.load(tmp_path / "a.ptau").kind == "custom"


def test_no_ceremony_is_of_a_known_tau() -> None:
    for ceremony in CEREMONIES.values():
        assert known_tau(*ceremony.tau_g2) is None


def test_what_is_published_is_what_is_said_of_it() -> None:
    """The development tau is the hash of its seed; ChaCha20's first block is RFC 7539's."""
    development, chacha, _, root = PUBLISHED.values()
    seed = b"verifai INSECURE development SRS v1"
    assert development == int.from_bytes(keccak256(seed), "big") % R
    assert srs_id(g2_bytes(*tau_g2(development))) == DEVELOPMENT_SRS
    # appendix A.1, test vector 1: the key stream of the all-zero key and nonce
    stream = bytes.fromhex(
        "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
        "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
    )
    assert chacha == int.from_bytes(stream, "little") % R
    assert pow(root, 4, R) == 1 != pow(root, 2, R)


def test_the_commands_refuse_tau_1(folder: Path) -> None:
    (folder / "new.ptau").write_bytes(small_ptau(1))
    error = refused_everywhere("reference string", folder / "new.ptau", folder)
    assert "tau is 1." in error.message


@pytest.mark.parametrize("tau", [1, R - 1, 2, 42, *list(PUBLISHED.values())[1:]])
def test_a_strangers_key_under_a_known_tau_is_refused(tau: int, folder: Path) -> None:
    """All of it says the truth: the string's name, its kind as far as names go, the statement."""
    key = VerifyingKey.load(folder / "key.vfk")
    proof = Proof.load(folder / "proof.vfb")
    point = g2_bytes(*tau_g2(tau))
    guarantees = replace(key.guarantees, srs="custom", srs_id=srs_id(point))
    forged = replace(key, guarantees=guarantees, material=(*key.material[:2], point))
    claimed = proof.statement
    made = Proof.of(forged.statement(claimed.inputs, claimed.outputs), proof.argument)
    with pytest.raises(VerificationError, match="everybody knows") as caught:
        verifai.verify(made, forged)
    assert caught.value.check == 4
    forged.save(folder / "forged.vfk")
    made.save(folder / "forged.vfb")
    code, value = command("verify forged.vfb --key forged.vfk", folder)
    assert (code, value["check"]) == (1, 4)


@pytest.mark.parametrize(
    "point",
    [bytes(128), b"\xff" * 128, bytes(127) + b"\1"],
    ids=["infinity", "beyond q", "off the curve"],
)
def test_a_key_whose_tau_is_no_point_is_refused(point: bytes, folder: Path) -> None:
    key = VerifyingKey.load(folder / "key.vfk")
    proof = Proof.load(folder / "proof.vfb")
    guarantees = replace(key.guarantees, srs="custom", srs_id=srs_id(point))
    forged = replace(key, guarantees=guarantees, material=(*key.material[:2], point))
    claimed = proof.statement
    made = Proof.of(forged.statement(claimed.inputs, claimed.outputs), proof.argument)
    with pytest.raises(VerificationError) as caught:
        verifai.verify(made, forged)
    assert caught.value.check == 4
