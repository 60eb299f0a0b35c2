"""An adversary with a guess: it runs the prover on the guess, under the challenges of a real proof.

All randomness of a proof but M and the blindings follows from its messages and the witness: a pad
is what was sent minus what the guess would send. With every mask in place nothing is left to tell
a right guess by. Each function below is what becomes possible without one of the masks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.hiding.fields import Reading, read
from tests.soundness.field_lies import circuit_of
from tests.soundness.proofs import Array, Case, Claim
from tests.verifier.reference_algebra import (
    Linear,
    P,
    Writer,
    encode,
    eq,
    inv,
    multilinear,
)
from tests.verifier.reference_prover import Prover
from verifai.verifier.native.curve import G, H, decode_g1, msm
from verifai.verifier.native.keccak import keccak256

#: The secret of the development reference string: a commitment is one multiple of G with it, and
#: the same point that anybody gets from the powers.
TAU = int.from_bytes(keccak256(b"verifai INSECURE development SRS v1"), "big") % P


def commitment(row: Sequence[int], blinding: int = 0) -> bytes:
    value = 0
    for v in reversed(row):
        value = (value * TAU + v) % P
    return encode(msm([G, H], [value, blinding % P]))


class Script(Writer):
    """Says what the guess would say, and goes on as the real proof does."""

    def __init__(self, real: Reading) -> None:
        super().__init__()
        self.real = real
        self.at: dict[str, int] = {}
        self.drawn: dict[str, int] = {}
        self.said: dict[str, list[list[int]]] = {}

    def step(self, operation: int, kind: int, label: str, payload: bytes) -> None:
        pass

    def send(self, label: str, kind: int, elements: list[bytes]) -> None:
        pass

    def scalars(self, label: str, values: list[int]) -> None:
        said = self.said.setdefault(label, [])
        said.append([v % P for v in values])
        values[:] = self.real.scalars[label][len(said) - 1]

    def draw(self, label: str) -> int:
        at = self.drawn.get(label, 0)
        self.drawn[label] = at + 1
        return self.real.challenges[label][at]


class _Replay(Prover):
    """The slow prover up to the last sumcheck; its random parts are given."""

    def commit(self, region: str) -> list[bytes]:
        self.points.update(dict.fromkeys(self.rows[region], b""))
        return []

    def commit_tail(self) -> None:
        pass

    def last_and_open(self, total: Linear) -> None:
        self.total = total


def minus(left: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> list[int]:
    """Entry by entry, all messages of a label."""
    return [
        (a - b) % P for x, y in zip(left, right, strict=True) for a, b in zip(x, y, strict=True)
    ]


class Adversary:
    """What follows from one proof and a guess of its witness.

    Attributes:
        real: the proof.
        said: what the guess would send without masks, by label.
        masks: slots, pads, triples, and the first entry of the tail, if the guess is right.
        vector: the committed vector, with zeros for M.
    """

    def __init__(
        self, case: Case, claim: Claim, witness: Sequence[Array], weights: Any = None
    ) -> None:
        self.claim, self.real = claim, read(claim)
        weights = case.weights if weights is None else weights
        self.circuit = circuit_of(case.table, weights, witness, claim.batch)
        plain = self.replay(None)
        said, sent = plain.w.said, self.real.scalars
        position = eq_of(self.real.challenges["z"], plain.position)
        columns = minus(sent["columns"], said["columns"])
        masks = {"slots": [c * inv(position) % P for c in columns], "triples": []}
        contraction = minus(sent.get("contraction", []), said.get("contraction", []))
        if "ends" in said:
            (x,) = self.real.challenges["x"]
            ends = minus(sent["ends"], said["ends"])
            shown = sent["sacrifice"][0]
            for a, b, e, f in zip(ends[::2], ends[1::2], shown[::2], shown[1::2], strict=True):
                a2, b2 = (x * a - e) % P, (b - f) % P
                masks["triples"] += [a, b, a * b % P, a2, b2, a2 * b2 % P]
        with_slots = self.replay(masks)
        self.said = with_slots.w.said
        masks["pads"] = minus(sent["zerocheck"], self.said["zerocheck"]) + contraction
        self.said["columns"], self.said["ends"] = said["columns"], said.get("ends", [])
        self.prover = with_slots
        self.masks = masks
        for name, tile in with_slots.lines.items():
            if name in masks:
                for i, value in enumerate(masks[name]):
                    with_slots.vector[tile.base + i] = value
        self.vector = with_slots.vector
        # M is in the upper half, and no claim reads it: s(0) of the first round is free of it
        half = len(self.vector) // 2
        assert with_slots.lines["row"].base >= half
        total = with_slots.total
        first = sum(k * self.vector[a] for a, k in total.items() if 0 <= a < half)
        masks["tail"] = [(sent["last"][0][0] - first) % P]

    def replay(self, masks: dict[str, list[int]] | None) -> Any:
        prover = _Replay(self.circuit, self.claim.context)
        for name, tile in prover.lines.items():
            prover.masks[name] = [0] * tile.dims[0]
        prover.masks.update({k: v for k, v in (masks or {}).items() if k == "slots"})
        prover.w = Script(self.real)
        prover.prove()
        return prover

    def row(self, index: int) -> list[int]:
        size = 2**self.circuit.log_columns
        return self.vector[index * size : (index + 1) * size]

    def rows(self, *regions: str) -> list[int]:
        return [i for region in regions for i in self.prover.rows[region]]

    @property
    def pads_of_zerocheck(self) -> list[int]:
        return self.masks["pads"][: 6 * self.prover.nz]

    @property
    def pads_of_contractions(self) -> list[int]:
        return self.masks["pads"][6 * self.prover.nz :]

    @property
    def ends(self) -> list[int]:
        """a, b of each triple, if the guess is right."""
        triples = self.masks["triples"]
        return [v for j in range(0, len(triples), 6) for v in triples[j : j + 2]]

    @property
    def second(self) -> list[int]:
        triples = self.masks["triples"]
        return [v for j in range(0, len(triples), 6) for v in triples[j + 3 : j + 5]]

    def row_weights(self) -> list[int]:
        r = self.real.challenges["r"]
        return eq(r[: len(r) - self.circuit.log_columns])

    def combined(self) -> list[int]:
        """The combined row without M."""
        size, weights = 2**self.circuit.log_columns, self.row_weights()
        out = [0] * size
        for i, weight in enumerate(weights):
            for j, value in enumerate(self.row(i)):
                out[j] = (out[j] + weight * value) % P
        return out

    def committed(self) -> dict[int, bytes]:
        """Every commitment by its row."""
        stage_1 = zip(
            self.rows("input", "output", "witness", "mask"),
            self.real.points["stage 1"],
            strict=True,
        )
        stage_2 = zip(self.rows("helper"), self.real.points["stage 2"], strict=True)
        data = self.claim.commitments
        weights = zip(
            self.rows("weight"), [data[i : i + 64] for i in range(0, len(data), 64)], strict=True
        )
        return dict([*weights, *stage_1, *stage_2])

    def without_blindings(self, *left_out: str) -> bytes:
        """sum eq C_i - rho H over all rows but those of some regions."""
        skipped = set(self.rows(*left_out))
        weights = self.row_weights()
        points, scalars = [H], [-self.real.scalars["opening blinding"][0][0] % P]
        for i, point in self.committed().items():
            if i not in skipped:
                points.append(decode_g1(point))
                scalars.append(weights[i])
        return encode(msm(points, scalars))


def eq_of(point: Sequence[int], index: int) -> int:
    value = 1
    for k, x in enumerate(point):
        value = value * (x if index >> (len(point) - 1 - k) & 1 else 1 - x) % P
    return value


# ---- what a proof without one mask gives away ----------------------------------------------------

Attack = Callable[[Adversary], bool]


def second_triples(adversary: Adversary) -> bool:
    """e = x a and f = b: the ends are known without any guess, and are those of the guess."""
    real = adversary.real
    (x,), (sent,), (shown,) = real.challenges["x"], real.scalars["ends"], real.scalars["sacrifice"]
    pads = [v * (inv(x) if i % 2 == 0 else 1) % P for i, v in enumerate(shown)]
    return minus([sent], [pads]) == [v for message in adversary.said["ends"] for v in message]


def tail_mask(adversary: Adversary) -> bool:
    """f is the tail."""
    return adversary.real.scalars["tail row"][0][0] == adversary.masks["tail"][0]


def row(adversary: Adversary) -> bool:
    """y is a functional of what was guessed."""
    (y,) = adversary.real.scalars["value"][0]
    return multilinear(adversary.vector, adversary.real.challenges["r"]) == y


def tail_blindings(adversary: Adversary) -> bool:
    """Where M is zero too, the whole tail follows from the guess: its commitment tells."""
    weights = [adversary.prover.total.get(a, 0) for a in range(len(adversary.vector))]
    vector, pads = adversary.vector, []
    sent = adversary.real.scalars["last"]
    for r, message in zip(adversary.real.challenges["r"], sent, strict=True):
        half = len(vector) // 2
        k0, k1, v0, v1 = weights[:half], weights[half:], vector[:half], vector[half:]
        zero = sum(k * v for k, v in zip(k0, v0, strict=True))
        two = sum((2 * b - a) * (2 * d - c) for a, b, c, d in zip(k0, k1, v0, v1, strict=True))
        pads += [(message[0] - zero) % P, (message[1] - two) % P]
        weights = [(a + r * (b - a)) % P for a, b in zip(k0, k1, strict=True)]
        vector = [(a + r * (b - a)) % P for a, b in zip(v0, v1, strict=True)]
    return commitment(pads) == adversary.real.points["tail"][0]


def row_blinding(adversary: Adversary) -> bool:
    """Without M and its weight, the combination of all other rows has no blinding left."""
    return adversary.without_blindings("mask") == commitment(adversary.combined())


def unblinded(*regions: str) -> Attack:
    """A commitment is that of the guessed row: a dictionary of guesses finds it."""

    def attack(adversary: Adversary) -> bool:
        known = adversary.committed()
        return any(known[i] == commitment(adversary.row(i)) for i in adversary.rows(*regions))

    return attack


#: mask: the attack, and the masks that have to be missing for it.
ATTACKS: dict[str, tuple[Attack, tuple[str, ...]]] = {
    "slots": (lambda a: not any(a.masks["slots"]), ("slots",)),
    "zerocheck pads": (lambda a: not any(a.pads_of_zerocheck), ("zerocheck pads",)),
    "contraction pads": (lambda a: not any(a.pads_of_contractions), ("contraction pads",)),
    "triples": (lambda a: not any(a.ends), ("triples",)),
    "second triples": (second_triples, ("second triples",)),
    "row": (row, ("row",)),
    "tail": (lambda a: not any(a.masks["tail"]), ("tail",)),
    "tail mask": (tail_mask, ("tail mask",)),
    "tail blindings": (tail_blindings, ("tail blindings", "row")),
    "witness blindings": (unblinded("input"), ("witness blindings",)),
    "helper blindings": (unblinded("helper"), ("helper blindings",)),
    "row blinding": (row_blinding, ("row blinding",)),
}
