"""Opening of the committed vector at one point: HyperKZG with one batched KZG check.

The front page of the crate ``commitment`` is the specification. With n column variables the rows
are combined with weights ``eq(x_row, i)`` into A_0, and folded n times::

    A_(k+1)[j] = (1 - x) A_k[2j] + x A_k[2j+1]        x = x_col[n-1-k],  r_k = r^(2^k)

Sent: the combined blinding, commitments of A_1 .. A_(n-1), A_0(r), all A_k(-r_k), W, W'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verifai.verifier.native.curve import G, G1Point, H, msm, pairing_equal
from verifai.verifier.native.field import P, eq_at, inverse
from verifai.verifier.native.transcript import ProofReader, refused


@dataclass(frozen=True)
class PublicRow:
    """A commitment together with all that it holds."""

    commitment: G1Point
    blinding: int
    coefficients: Sequence[int]


def opening_elements(log_columns: int) -> tuple[int, int]:
    """How many points and scalars an opening has."""
    return log_columns + 1, log_columns + 2


def check_opening(
    reader: ProofReader,
    tau_g2: Any,
    rows: Sequence[tuple[int, G1Point]],
    row_point: Sequence[int],
    column_point: Sequence[int],
    value: int,
    public_rows: Sequence[PublicRow] = (),
) -> None:
    """The vector with these rows has ``value`` at (row_point, column_point).

    The transcript has to hold the commitments, the point and the value.

    Args:
        rows: index and commitment of every row that is committed. All other rows that the
            vector has are zero: of four with 0 and 2 listed, rows 1 and 3.
        public_rows: further rows, all of whose entries the proof shows.

    Raises:
        VerificationError: in the step "opening folding" or "opening pairing", or a message.
    """
    n = len(column_point)
    transcript = reader.transcript
    (blinding,) = reader.scalars("opening blinding", 1)
    folds = reader.points("opening folds", n - 1)
    r = transcript.challenge("opening r")
    first, *negatives = reader.scalars("opening evaluations", n + 1)
    nu = transcript.challenge("opening nu")
    (quotient,) = reader.points("opening W", 1)
    z = transcript.challenge("opening z")
    (witness,) = reader.points("opening W'", 1)

    # check 1: from A_k(r_k) and A_k(-r_k) to A_(k+1)(r_(k+1)), up to the constant A_n
    claims = []  # (r_k, A_k(r_k), A_k(-r_k))
    at, positive = r, first
    if at == 0:  # 1 / (2 r_k) is needed; happens with probability 1 / P
        raise refused("opening folding", "a challenge is degenerate")
    for negative, x in zip(negatives, reversed(column_point), strict=True):
        claims.append((at, positive, negative))
        even = (positive + negative) * inverse(2) % P
        odd = (positive - negative) * inverse(2 * at) % P
        positive, at = (even + x * (odd - even)) % P, at * at % P
    if positive != value:
        raise refused("opening folding", "the folded row does not end in the claimed value")

    # check 2: all evaluations at once, W and W' being the quotients of the batched claim
    points, scalars = [quotient, witness], [1, z]
    constant = blindings = 0  # coefficients of G and of H
    power = 1
    for k, (at, positive, negative) in enumerate(claims):
        if at in (z, P - z):
            raise refused("opening pairing", "a challenge is degenerate")
        plus, minus = power * inverse(z - at) % P, power * nu * inverse(z + at) % P
        power = power * nu * nu % P
        constant += plus * positive + minus * negative
        weight = P - (plus + minus) % P
        if k:
            points.append(folds[k - 1])
            scalars.append(weight)
            continue
        blindings -= weight * blinding
        for index, commitment in rows:
            points.append(commitment)
            scalars.append(weight * eq_at(row_point, index) % P)
    for row in public_rows:  # evaluated at r, which is drawn after the row is fixed
        weight = power * inverse(z - r) % P
        power = power * nu % P
        at_r = 0
        for coefficient in reversed(row.coefficients):
            at_r = (at_r * r + coefficient) % P
        constant += weight * at_r
        blindings += weight * row.blinding
        points.append(row.commitment)
        scalars.append(P - weight)
    left = msm([*points, G, H], [s % P for s in (*scalars, constant, blindings)])
    if not pairing_equal(left, witness, tau_g2):
        raise refused("opening pairing", "the evaluations are not those of the commitments")
