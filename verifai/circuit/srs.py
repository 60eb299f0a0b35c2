"""Structured reference strings: powers of a secret tau on BN254.

Two kinds of files are read: halo2's raw format, for both backends, and snarkjs' ``.ptau`` format
(by the proving core, ``circuits/crates/srs``) for the native one, which needs no Lagrange basis.

Layout of halo2's (from its ``ParamsKZG``, checked against files that ezkl 23.0.5 writes)::

    k          4         little-endian; n = 2^k
    powers     n * 64    tau^i G1
    Lagrange   n * 64    the same basis evaluated, L_i(tau) G1
    G2, tau G2 2 * 128

A coordinate is 32 bytes, little-endian, in Montgomery form (times 2^256 mod q); a G2 coordinate is
c0 then c1. Whoever knows tau can forge proofs: a *development* string is made on this machine and
good for tests only; a *ceremony* string was made by many parties, one of whom must be honest. A
string whose tau everybody knows is refused.
"""

from __future__ import annotations

import mmap
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from verifai.circuit.core import core
from verifai.errors import LimitError, MalformedError
from verifai.home import home
from verifai.limits import MAX_POINTS_LOG2, MAX_SRS_LOG2
from verifai.proof.codec import Section
from verifai.proof.files import locked, open_regular, read_regular
from verifai.proof.reference_string import ceremony_of, g2_bytes, srs_id
from verifai.verifier.known_tau import known_tau
from verifai.verifier.native.curve import (
    G1_BYTES,
    G2_BYTES,
    G1Point,
    Q,
    decode_g2,
    msm,
    pairing_equal,
)
from verifai.verifier.native.field import inverse
from verifai.verifier.twist import GENERATOR

_R_INVERSE: Final = pow(1 << 256, -1, Q)
#: Bits of the random coefficients of the powers check: a wrong file passes with 2^-32.
_COEFFICIENT_BITS: Final = 32
#: The largest file: a ``.ptau`` of the largest ceremony, 2^28, with its Lagrange bases.
_MAX_FILE_BYTES: Final = 1 << 38


@dataclass(frozen=True, repr=False, eq=False)
class SRS:
    """A checked reference string.

    Attributes:
        kind: ``ceremony`` (tau G2 is pinned in :mod:`verifai.proof.reference_string`), ``custom``
            (structure checked, origin unknown) or ``development``.
        log2: k; the string serves circuits of up to 2^k rows.
        data: with ``format`` "halo2" the file; with "points" the powers and then tau G2, in the
            EVM's form.
        format: "halo2", or "points" for what was read from a ``.ptau`` file.
    """

    kind: str
    log2: int
    data: Section = field(repr=False)
    format: str = "halo2"

    @cached_property
    def id(self) -> str:
        """Digest of tau G2: the same for every file and every truncation of one string."""
        return srs_id(g2_bytes(*self.tau_g2))

    @property
    def ceremony(self) -> str | None:
        """The public ceremony that made the string, by name."""
        return ceremony_of(self.id)

    @property
    def known_tau(self) -> str | None:
        """In words, what tau is, if everybody knows it."""
        return known_tau(*self.tau_g2)

    @cached_property
    def tau_g2(self) -> tuple[int, int, int, int]:
        """tau G2 as x.c0, x.c1, y.c0, y.c1."""
        data = self.data[-G2_BYTES:]
        if self.format == "points":
            x1, x0, y1, y0 = (int.from_bytes(data[i : i + 32], "big") for i in range(0, 128, 32))
        else:
            x0, x1, y0, y1 = (_coordinate(data[i : i + 32]) for i in range(0, 128, 32))
        return x0, x1, y0, y1

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies and one's own processes, as :meth:`verifai.Circuit.__reduce__`."""
        return SRS, (self.kind, self.log2, bytes(self.data), self.format)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SRS:
        """Read and check a ``.srs`` file (halo2 raw format, as ezkl's ceremony files), or a
        ``.ptau`` file, of which the native backend reads at most 2^20 powers.

        The file is only read, never touched.

        Raises:
            MalformedError: wrong size, sections, coordinates, points, generators or powers, or a
                tau that everybody knows.
            SetupError: a ``.ptau`` file, and the proving core is not installed.
        """
        with open_regular(path, _MAX_FILE_BYTES) as (file, size):
            head = file.read(4)
            if head == b"ptau":
                return cls._from_ptau(path, file.fileno())
            log2 = int.from_bytes(head, "little")
            if len(head) < 4 or log2 > MAX_SRS_LOG2 or log2 < 1:
                raise LimitError(
                    f"{path} is no .ptau file, and as a halo2 .srs file it has 2^{log2} powers, "
                    f"not within 2 to 2^{MAX_SRS_LOG2} (MAX_SRS_LOG2).",
                    hint="verifai srs fetch brings a public ceremony's.",
                )
            if size != _file_size(log2):
                raise MalformedError(
                    f"{path} has {size} bytes; an SRS with k = {log2} has {_file_size(log2)}."
                )
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        cls("custom", log2, data)._check(powers=1 << log2)
        return cls._of_unknown_tau(path, log2, data, "halo2")

    @classmethod
    def _from_ptau(cls, path: str | os.PathLike[str], descriptor: int) -> SRS:
        try:  # the file that is open already, whatever now has its name
            read = core().Srs.load(f"/dev/fd/{descriptor}", 1 << MAX_POINTS_LOG2)
        except ValueError as error:
            raise MalformedError(f"{path}: {error}.") from None
        log2 = read.powers.bit_length() - 1  # a file of 2^k has one less than 2^(k+1) powers
        return cls._of_unknown_tau(path, log2, read.to_points(1 << log2), "points")

    @classmethod
    def from_points(cls, path: str | os.PathLike[str]) -> SRS:
        """Read and check a file of plain points, as :mod:`verifai.circuit.ceremony` keeps them:
        2^k powers and then tau G2, in the EVM's form.

        Raises:
            MalformedError: no such file, wrong size, points or powers, or a known tau.
            SetupError: the proving core is not installed.
        """
        data = read_regular(path, (G1_BYTES << MAX_POINTS_LOG2) + G2_BYTES)
        log2 = ((len(data) - G2_BYTES) // G1_BYTES).bit_length() - 1
        if log2 < 1 or len(data) != (G1_BYTES << log2) + G2_BYTES:
            raise MalformedError(f"{path} has {len(data)} bytes: no 2^k powers and tau G2.")
        try:
            core().Srs.from_points(data)
        except ValueError as error:
            raise MalformedError(f"{path}: {error}.") from None
        return cls._of_unknown_tau(path, log2, data, "points")

    @classmethod
    def _of_unknown_tau(
        cls, path: str | os.PathLike[str], log2: int, data: Section, form: str
    ) -> SRS:
        """A string of checked structure, from a file that anyone may have made."""
        srs = cls("custom", log2, data, form)
        if srs.known_tau:
            raise MalformedError(
                f"{path}: {srs.known_tau}. Everybody knows the secret of this reference string, "
                "and can forge proofs under it.",
                hint="Take a public ceremony's: verifai srs fetch. For tests, leave the string "
                "out: a development string says in every statement what it is.",
            )
        return cls("ceremony", log2, data, form) if srs.ceremony else srs

    @classmethod
    def development(cls, log2: int, make: Callable[[Path, int], None]) -> SRS:
        """The cached development string with ``2**log2`` powers, made by ``make`` if missing.

        Concurrent callers wait for the first; a half-written file is never seen.
        """
        if not 1 <= log2 <= MAX_SRS_LOG2:
            raise LimitError(f"An SRS with k = {log2} is beyond MAX_SRS_LOG2 ({MAX_SRS_LOG2}).")
        folder = home() / "srs"
        path = folder / f"development-{log2}.srs"
        with locked(folder / f".lock-{log2}"):
            if not path.is_file() or path.stat().st_size != _file_size(log2):
                partial = folder / f".development-{log2}.{os.getpid()}"
                try:
                    make(partial, log2)
                    cls.load(partial)
                    os.replace(partial, path)
                finally:
                    partial.unlink(missing_ok=True)
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        srs = cls("development", log2, data)
        srs._check(powers=2)  # all of them were checked when the file was made
        return srs

    @classmethod
    def from_verifier_part(cls, data: bytes) -> SRS:
        """Read what :meth:`verifier_part` wrote, from a key that a stranger made; whether tau is
        known is for the caller to ask.

        Raises:
            MalformedError: wrong size, coordinates, points or generators.
        """
        if len(data) != _file_size(1) or data[:4] != (1).to_bytes(4, "little"):
            raise MalformedError("The verifier's part of an SRS has two powers.")
        _affine_points(data[4 : 4 + 2 * G1_BYTES])
        srs = cls("custom", 1, data)
        srs._check(powers=1)
        return cls("ceremony", 1, data) if srs.ceremony else srs

    def verifier_part(self) -> bytes:
        """The same string cut to k = 1: all that a verifier reads, in the same format.

        Its Lagrange basis over {1, -1} is ((1 + tau)/2 G1, (1 - tau)/2 G1).
        """
        powers = self._powers(2)
        half = inverse(2)
        basis = [msm(_affine_points(powers), (half, sign * half)) for sign in (1, -1)]
        if None in basis:
            raise MalformedError("The SRS is degenerate: tau is 1 or -1.")
        lagrange = b"".join(_raw(*point) for point in basis if point)
        g2 = bytes(self.data[-2 * G2_BYTES :])
        return (1).to_bytes(4, "little") + powers + lagrange + g2

    def _powers(self, count: int) -> bytes:
        return bytes(self.data[4 : 4 + count * G1_BYTES])

    def _check(self, powers: int) -> None:
        """Check generators, curve, and that the first ``powers`` are consecutive."""
        if self._powers(1) != _raw(1, 2):
            raise MalformedError("The first power of the SRS is not the generator of G1.")
        if self.data[-2 * G2_BYTES : -G2_BYTES] != _raw(*GENERATOR[0], *GENERATOR[1]):
            raise MalformedError("The SRS does not hold the generator of G2.")
        try:
            tau_g2 = decode_g2(g2_bytes(*self.tau_g2))
        except ValueError as error:
            raise MalformedError(f"tau G2 of the SRS: {error}.") from None
        if powers == 1:
            return
        # sum rho_i tau^(i+1) G1 paired with G2 equals sum rho_i tau^i G1 paired with tau G2.
        # Each power lies in both sums but the ends, so a random rho catches a wrong one.
        rho = [secrets.randbits(_COEFFICIENT_BITS) for _ in range(powers - 1)]
        points = _affine_points(self._powers(powers))
        low, high = (msm(part, rho, _COEFFICIENT_BITS) for part in (points[:-1], points[1:]))
        if not pairing_equal(high, low, tau_g2):
            raise MalformedError("The powers of the SRS are not consecutive powers of one tau.")

    def __repr__(self) -> str:
        name = f" {self.ceremony}" if self.ceremony else ""
        return f"SRS({self.kind}{name}, k={self.log2}, id {self.id[:12]})"


def _raw(*coordinates: int) -> bytes:
    """Coordinates as halo2's files have them."""
    return b"".join((c * (1 << 256) % Q).to_bytes(32, "little") for c in coordinates)


def _file_size(log2: int) -> int:
    return 4 + 2 * G1_BYTES * (1 << log2) + 2 * G2_BYTES


def _coordinate(data: Section) -> int:
    value = int.from_bytes(data, "little")
    if value >= Q:
        raise MalformedError("A coordinate of the SRS is not below the field modulus.")
    return value * _R_INVERSE % Q


def _affine_points(data: Section) -> list[G1Point]:
    points: list[G1Point] = []
    for offset in range(0, len(data), G1_BYTES):
        x = _coordinate(data[offset : offset + 32])
        y = _coordinate(data[offset + 32 : offset + 64])
        if (y * y - x * x * x - 3) % Q:
            raise MalformedError(f"Power {offset // G1_BYTES} of the SRS is not on the curve.")
        points.append((x, y))
    return points
