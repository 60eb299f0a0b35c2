"""What a hiding proof adds to the claims (docs/protocol.md, Hiding tables).

Every scalar that a hiding proof shows is uniform, whatever the witness, by four means:

==========  =====================================================================================
pads        a message m is sent as m + pad, and pads are entries of the committed vector: where a
            claim had m it has "sent - pad", which is linear again
slots       hide the columns' values after the zerocheck: each column has a random entry at one
            position of the cube more, which no lookup and no product reads
triples     a product of two padded values is not linear in the pads: it takes entries (a, b,
            ab), and a second triple, sacrificed to show that the first one is a product
the tail    pads of the batching sumcheck cannot be in the vector that it sums over: they are a
            row of their own, shown under a random mask
==========  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from verifai.verifier.native.claims import Form
from verifai.verifier.native.curve import G1Point, msm
from verifai.verifier.native.field import P, dot, eq_at, lagrange
from verifai.verifier.native.layout import TRIPLE
from verifai.verifier.native.opening import PublicRow
from verifai.verifier.native.transcript import ProofReader, refused
from verifai.verifier.native.weights import Group, Term

#: Scalars after the value that the tail costs, besides its own entries: its mask, its blinding.
TAIL_SCALARS: Final = 2


def pad_weights(degree: int, point: Sequence[int]) -> list[int]:
    """The weight of each value's pad in the claim after the rounds, round after round.

    A round sends s(0), s(2), ..., s(degree), and s(1) = claim - s(0) follows. A value that has the
    weight k in the claim has its pad there with the weight -k: what counts is "sent - pad".
    """
    pads: list[int] = []
    for t in point:
        zero, one, *others = lagrange(degree, t)
        pads = [pad * one % P for pad in pads]
        pads += [(one - zero) % P, *(P - weight for weight in others)]
    return pads


def add_pads(form: Form, scale: int, first: int, weights: Sequence[int]) -> None:
    """Take pads, from number ``first`` on, out of a claim; does nothing unless the proof hides."""
    hiding = form.layout.hiding
    if hiding is not None and weights:
        vector = [0] * hiding.pad_count
        vector[first : first + len(weights)] = weights
        form.work.spend(len(vector))
        form.add_block(hiding.pads, Term(scale, (Group((0,), vector),)))


def add_slots(form: Form, scale: Sequence[int], z: Sequence[int]) -> None:
    """The slot of each column, in the column's claim."""
    hiding = form.layout.hiding
    if hiding is not None:
        weight = eq_at(z, hiding.position)
        form.add_block(hiding.slots, Term(weight, (Group((0,), list(scale)),)))


@dataclass(frozen=True)
class Triples:
    """The triples (a, b, c, a', b', c') of all contractions, and what was revealed of them.

    Attributes:
        block: where they lie.
        x: the challenge of the sacrifice.
        revealed: x a - a' and b - b' of each triple.
    """

    block: int
    x: int
    revealed: Sequence[int]

    def _add(self, form: Form, number: int, scale: int, weights: dict[int, int]) -> None:
        vector = [0] * (len(self.revealed) // 2 * TRIPLE)
        for entry, weight in weights.items():
            vector[number * TRIPLE + entry] = weight % P
        form.work.spend(len(vector))
        form.add_block(self.block, Term(scale, (Group((0,), vector),)))

    def add_product(self, form: Form, number: int, scale: int, a: int, b: int) -> None:
        """``(A - a)(B - b) - A B``, times a scale, for the evaluations A and B as sent."""
        self._add(form, number, scale, {0: -b, 1: -a, 2: 1})

    def add_evaluation(self, form: Form, number: int, scale: int, side: int) -> None:
        """The pad of the left (0) or right (1) evaluation, in its claim."""
        self._add(form, number, scale, {side: 1})

    def add_sacrifice(self, form: Form, number: int, scales: Iterator[int]) -> None:
        """``x a - a' = e``, ``b - b' = f``, ``x c - c' - e b' - f a' = e f``: then c = a b."""
        e, f = self.revealed[2 * number : 2 * number + 2]
        for constant, weights in (
            (e, {0: self.x, 3: -1}),
            (f, {1: 1, 4: -1}),
            (e * f, {2: self.x, 5: -1, 4: -e, 3: -f}),
        ):
            scale = next(scales)
            self._add(form, number, scale, weights)
            form.add_constant(-scale * constant)


def check_tail(
    reader: ProofReader, weights: Sequence[int], gap: int, tail: Sequence[G1Point]
) -> PublicRow:
    """``<weights, P2> = gap``: P2 are the batching sumcheck's committed pads, M2 their mask.

    Returns:
        The row P2 + g M2. The opening has yet to show that it is the one committed.

    Raises:
        VerificationError: step "tail", or a message.
    """
    (masked,) = reader.scalars("tail mask", 1)
    g = reader.transcript.challenge("g")
    if g == 0:  # happens with probability 1 / P
        raise refused("tail", "a challenge is degenerate")
    row = reader.scalars("tail row", len(weights))
    (blinding,) = reader.scalars("tail blinding", 1)
    if (dot(weights, row) - gap - g * masked) % P:
        raise refused("tail", "the claims do not hold, or the pads are not those committed")
    return PublicRow(msm(tail, (1, g)), blinding, row)
