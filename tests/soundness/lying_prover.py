"""A prover that lies on purpose: the slow prover of ``tests/verifier`` with hooks.

Claims of one form are many; a lie makes exactly one of them false, and the last sumcheck is made
for the sum of all others. A verifier that leaves this one out accepts; the real one refuses.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.soundness.proofs import CONTEXT
from tests.verifier.circuits import Circuit, integers, sample
from tests.verifier.reference_algebra import Linear, P, Writer, inv, multilinear
from tests.verifier.reference_prover import Prover
from verifai.verifier.native.field import Work, lagrange
from verifai.verifier.native.layout import layout_of
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.table import expand
from verifai.verifier.native.zerocheck import Challenges, final_relation

Hook = Callable[[list[int]], None]


class Recorder(Writer):
    """Remembers messages and challenges; ``hooks`` change a message before it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, list[list[int]]] = {}
        self.drawn: dict[str, list[int]] = {}
        self.hooks: dict[str, Hook] = {}
        self.encodings: dict[str, Callable[[bytes], bytes]] = {}

    def send(self, label: str, kind: int, elements: list[bytes]) -> None:
        if label in self.encodings:
            elements = [self.encodings[label](element) for element in elements]
        super().send(label, kind, elements)

    def scalars(self, label: str, values: list[int]) -> None:
        if label in self.hooks:
            self.hooks[label](values)
        self.said.setdefault(label, []).append([v % P for v in values])
        super().scalars(label, values)

    def draw(self, label: str) -> int:
        challenge = super().draw(label)
        self.drawn.setdefault(label, []).append(challenge)
        return challenge

    def end_of_sumcheck(
        self, label: str, challenge: str, claim: int = 0, messages: list[list[int]] | None = None
    ) -> int:
        """The claim after all rounds so far, as a verifier computes it."""
        for message, x in zip(messages or self.said[label], self.drawn[challenge], strict=True):
            basis = lagrange(len(message), x)
            values = [message[0], claim - message[0], *message[1:]]
            claim = sum(a * b for a, b in zip(values, basis, strict=True)) % P
        return claim


class Knowing(Recorder):
    """The prover's side of a verifier that takes known numbers for some challenges."""

    def __init__(self, known: dict[str, int], hooks: dict[str, Hook]) -> None:
        super().__init__()
        self.known, self.hooks = known, hooks

    def draw(self, label: str) -> int:
        drawn = super().draw(label)
        if label in self.known:
            drawn = self.drawn[label][-1] = self.known[label]
        return drawn


class Liar(Prover):
    """Leaves out the claims in ``left_out``; ``false`` lists those that do not hold."""

    def __init__(self, circuit: Circuit, left_out: set[int] | None = None) -> None:
        super().__init__(circuit, CONTEXT)
        self.w: Recorder = Recorder()
        self.left_out = left_out or set()
        self.numbered = 0
        self.false: list[int] = []
        self.residues: dict[int, int] = {}
        self.raised = 0  # A_0(r) as sent, minus the true one
        self.at_helpers: Callable[[Liar], None] | None = None
        self.shown: Callable[[list[int]], list[int]] = lambda words: words

    def commit(self, region: str) -> list[bytes]:
        if region == "helper" and self.at_helpers:
            self.at_helpers(self)
        return super().commit(region)

    def public_words(self) -> list[int]:
        return self.shown(super().public_words())

    def zerocheck(self, alpha: int, beta: int, lookup_values: Any) -> list[Linear]:
        return self.kept(super().zerocheck(alpha, beta, lookup_values))

    def table_side(self, alpha: int) -> list[Linear]:
        return self.kept(super().table_side(alpha))

    def word_claims(self) -> list[Linear]:
        return self.kept(super().word_claims())

    def zero_claims(self) -> list[Linear]:
        return self.kept(super().zero_claims())

    def kept(self, claims: list[Linear]) -> list[Linear]:
        """The claims, those left out as 0 = 0."""
        out = []
        for claim in claims:
            value = claim.get(-1, 0) + sum(k * self.vector[a] for a, k in claim.items() if a >= 0)
            if value % P:
                self.false.append(self.numbered)
                self.residues[self.numbered] = value % P
            out.append({} if self.numbered in self.left_out else claim)
            self.numbered += 1
        return out

    def last_and_open(self, total: Linear) -> None:
        self.total = total
        super().last_and_open(total)

    def wanted(self) -> int:
        """The value that the last sumcheck asks for, whatever the vector's is."""
        coefficients = [self.total.get(address, 0) for address in range(2**self.n)]
        claim = self.w.end_of_sumcheck("last", "r", -self.total.get(-1, 0))
        if self.masks:
            weights = self.tail_weights(self.w.drawn["r"])
            claim += sum(a * b for a, b in zip(weights, self.masks["tail"], strict=True))
        return claim * inv(multilinear(coefficients, self.w.drawn["r"])) % P

    def end_of_zerocheck(self) -> int:
        """The claim after its rounds, without the pads of a hiding proof."""
        said = self.w.said["zerocheck"]
        pads = iter(self.masks.get("pads", [0] * (6 * len(said))))
        bare = [[v - next(pads) for v in message] for message in said]
        return self.w.end_of_sumcheck("zerocheck", "z", messages=bare)

    def relation(self, columns: list[int]) -> int:
        """The relation at z for these columns, by the verifier's own code."""
        table = expand(parse_table(self.c.table_bytes()), self.c.batch)
        drawn = self.w.drawn
        challenges = Challenges(
            drawn["alpha"][0], drawn["beta"][0], drawn["tau"], drawn["gamma"][0]
        )
        return final_relation(layout_of(table), challenges, drawn["z"], columns, Work())


def fit_column(liar: Liar, number: int) -> None:
    """One column is sent such that the zerocheck ends well, whatever the witness."""

    def hook(columns: list[int]) -> None:
        goal = liar.end_of_zerocheck()
        at = [liar.relation([*columns[:number], x, *columns[number + 1 :]]) for x in (0, 1)]
        columns[number] = (goal - at[0]) * inv(at[1] - at[0]) % P

    liar.w.hooks["columns"] = hook


def fit_value(liar: Liar) -> None:
    """The value is sent that the last sumcheck wants."""
    liar.w.hooks["value"] = lambda values: values.__setitem__(0, liar.wanted())


def fit_evaluations(liar: Liar) -> None:
    """A_0(r) is sent such that the folds end in the value that was sent."""

    def folded(first: int, negatives: list[int]) -> int:
        at, positive = liar.w.drawn["opening r"][0], first
        columns = liar.w.drawn["r"][liar.n - liar.c.log_columns :]
        for negative, x in zip(negatives, reversed(columns), strict=True):
            even, odd = (positive + negative) * inv(2), (positive - negative) * inv(2 * at)
            positive, at = (even + x * (odd - even)) % P, at * at % P
        return positive

    def hook(values: list[int]) -> None:
        (goal,) = liar.w.said["value"][0]
        at = [folded(first, values[1:]) for first in (0, 1)]
        honest, values[0] = values[0], (goal - at[0]) * inv(at[1] - at[0]) % P
        liar.raised = (values[0] - honest) % P

    fit_value(liar)
    liar.w.hooks["opening evaluations"] = hook


def balance_entry(liar: Liar, number: int, entry: int) -> None:
    """The sum that the table side lacks is put on one of its entries."""

    def put(prover: Liar) -> None:
        address = prover.ht[number].base + entry
        prover.vector[address] = (prover.vector[address] + missing(prover)) % P

    liar.at_helpers = put


def balance_helper(liar: Liar) -> None:
    """The sum that the helpers have too much is taken from one of them."""

    def put(prover: Liar) -> None:
        address = prover.groups[0][0].base
        prover.vector[address] = (prover.vector[address] - missing(prover)) % P

    liar.at_helpers = put


def missing(prover: Liar) -> int:
    """Sum of all h minus sum of all hT."""
    total = 0
    for h, _, _ in prover.groups:
        total += sum(prover.vector[a] for a in h.addresses().ravel())
    for tile, prints in zip(prover.ht, prover.fingerprints, strict=True):
        total -= sum(prover.vector[tile.base + a] for a, f in enumerate(prints) if f is not None)
    return total % P


def circuit(lie: str = "", *, hiding: bool = False) -> Circuit:
    """Every kind of claim in one small circuit; ``lie`` makes one constraint false."""
    rng = random.Random(11)
    c = Circuit(1, 7 if hiding else 6)
    c.hiding = hiding
    x = c.committed("input", sample(rng, (1, 4), -3, 3), [3], -3)
    if lie == "limb":  # 3 bits hold 9: a table of 4 bits is used when the values are cut
        c.values[x] = integers([[6, 1, 0, 2]])
    square = c.add_table(-8, [i * i for i in range(-8, 8)])
    values = c.values[x] ** 2
    if lie == "lookup":
        values = values + integers([[1, 0, 0, 0]])
    s = c.committed("witness", values, [])
    c.lookup(square, x, s)
    y = c.committed("output", np.maximum(c.values[x], 0) + (lie == "product"), [3])
    d = c.committed("witness", c.values[y] - c.values[x], [3])
    c.constraints["zero"].append(c.linear((1, y), (-1, d), (-1, x), offset=int(lie == "zero")))
    c.product(y, d)
    w = c.weight(sample(rng, (4, 2), -3, 3))
    e = c.einsum(x, w, ("k", "kn", "n"))
    h = c.committed("witness", c.values[e] + (lie == "einsum"), [])
    c.constraints["zero"].append(c.linear((1, h), (-1, e)))
    c.inputs, c.outputs = [x], [y]
    return c
