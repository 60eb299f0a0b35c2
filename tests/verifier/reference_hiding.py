"""Hiding of the slow prover (``docs/protocol.md``, "Hiding tables"): every mask, and where it goes.

Without ``hiding`` in the table there are no masks, and every step here does nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.verifier.circuits import Circuit
from tests.verifier.reference_algebra import (
    TAU,
    Linear,
    P,
    Tile,
    bits,
    combine,
    encode,
    next_claim,
)
from verifai.verifier.native.curve import G, H, msm


class Hiding:
    """A part of :class:`tests.verifier.reference_prover.Prover`: what a hiding proof has besides.

    ``masks`` holds slots, triples (a, b, c, a', b', c' of each instance), pads, the row M, the tail
    P2 and its mask M2 by name; ``lines`` the tiles of those in the address space.
    """

    c: Circuit
    w: Any
    n: int
    nz: int
    rng: random.Random

    def fresh(self, count: int) -> list[int]:
        return [self.rng.randrange(P) for _ in range(count)]

    # ---- layout -------------------------------------------------------------------------------

    def place_masks(self, regions: dict[str, list[Tile]], position: int) -> None:
        """The tiles of slots, triples, pads and M, and all masks but the tail's."""
        self.position = position
        cubes = [
            self.cube_of(e) for node in self.c.constraints["zero"] for e in self.einsums_under(node)
        ]
        columns = 10 if self.c.constraints["product"] else 5
        self.lines["slots"] = Tile((columns,))
        if cubes:
            self.lines["triples"] = Tile((6 * len(cubes),))
        self.lines["pads"] = Tile((6 * self.nz + 2 * max(cubes, default=0),))
        regions["witness"] += self.lines.values()
        self.lines["row"] = Tile((2**self.c.log_columns,))
        regions["mask"] = [self.lines["row"]]
        for name, tile in self.lines.items():
            self.masks[name] = self.fresh(tile.dims[0])
        triples = self.masks.get("triples", [])
        for i in range(0, len(triples), 3):
            triples[i + 2] = triples[i] * triples[i + 1] % P

    def einsums_under(self, node: int) -> list[int]:
        """Einsums on the paths from a node, in the order of the instances."""
        spec = self.c.nodes[node]
        match spec["kind"]:
            case "einsum":
                return [node]
            case "view":
                return self.einsums_under(spec["source"])
            case "linear":
                return [e for _, n in spec["terms"] for e in self.einsums_under(n)]
        return []

    def cube_of(self, node: int) -> int:
        """Variables of an einsum's letters that both operands have."""
        spec, batched = self.c.nodes[node], self.c.batched
        left, right, _ = spec["labels"]
        sizes = dict(zip(left, self.c.shape(spec["left"]), strict=True))
        total = sum(bits(d) for letter, d in sizes.items() if letter in right)
        both = batched[spec["left"]] and batched[spec["right"]]
        return total + (bits(self.c.batch) if both else 0)

    # ---- pads ---------------------------------------------------------------------------------

    def padded(self, values: list[int], first: int) -> Callable[[], list[Linear]]:
        """Add pads to a message; afterwards "sent - pad" can be had for each of its values."""
        pads = self.masks.get("pads")
        if pads is None:
            return lambda: [{-1: v} for v in values]
        base = self.lines["pads"].base + first
        for i in range(len(values)):
            values[i] = (values[i] + pads[first + i]) % P
        return lambda: [{-1: v, base + i: P - 1} for i, v in enumerate(values)]

    # ---- triples ------------------------------------------------------------------------------

    def hide_ends(self, ends: list[int]) -> None:
        triples = self.masks.get("triples", [])
        for j in range(len(triples) // 6):
            ends[2 * j] = (ends[2 * j] + triples[6 * j]) % P
            ends[2 * j + 1] = (ends[2 * j + 1] + triples[6 * j + 1]) % P

    def sacrifice(self) -> None:
        triples = self.masks.get("triples")
        self.revealed: list[int] = []
        if triples:
            self.x = self.w.draw("x")
            for j in range(0, len(triples), 6):
                a, b, _, a2, b2, _ = triples[j : j + 6]
                self.revealed += [(self.x * a - a2) % P, (b - b2) % P]
            self.w.scalars("sacrifice", self.revealed)

    def of_triple(self, j: int, weights: dict[int, int]) -> Linear:
        base = self.lines["triples"].base + 6 * j
        return {base + i: w % P for i, w in weights.items()}

    def unmasked_product(self, j: int, a: int, b: int) -> Linear:
        """(A - t_a) (B - t_b) - A B, for the ends A and B as sent."""
        return self.of_triple(j, {0: -b, 1: -a, 2: 1}) if self.revealed else {}

    def with_triple(self, j: int, pair: list[Linear]) -> list[Linear]:
        """The claims of both ends with their pads, and the three of the sacrifice."""
        if not self.revealed:
            return pair
        e, f = self.revealed[2 * j : 2 * j + 2]
        x = self.x
        rest = [
            combine((1, self.of_triple(j, weights)), (-1, {-1: constant}))
            for constant, weights in (
                (e, {0: x, 3: -1}),
                (f, {1: 1, 4: -1}),
                (e * f, {2: x, 5: -1, 4: -e, 3: -f}),
            )
        ]
        sides = [
            combine((1, claim), (1, self.of_triple(j, {s: 1}))) for s, claim in enumerate(pair)
        ]
        return sides + rest

    # ---- the tail -----------------------------------------------------------------------------

    def commit_tail(self) -> None:
        if not self.masks:
            return
        sizes = {"tail": 2 * self.n, "tail mask": 2 * self.n, "tail blindings": 2}
        self.masks = {
            n: self.fresh(k) for n, k in sizes.items() if n not in self.masks
        } | self.masks
        points = []
        for name, blinding in zip(("tail", "tail mask"), self.masks["tail blindings"], strict=True):
            value = sum(v * pow(TAU, i, P) for i, v in enumerate(self.masks[name])) % P
            points.append(encode(msm([G, H], [value, blinding])))
        self.w.send("tail", 2, points)

    def pad_last(self, values: list[int], k: int) -> None:
        if self.masks:
            for i, pad in enumerate(self.masks["tail"][2 * k : 2 * k + 2]):
                values[i] = (values[i] + pad) % P

    def tail_weights(self, r: list[int]) -> list[int]:
        """The weight of each entry of P2 in the claim after the last sumcheck."""
        claim: Linear = {}
        for k, t in enumerate(r):
            claim = next_claim(claim, [{2 * k: P - 1}, {2 * k + 1: P - 1}], t)
        return [claim.get(i, 0) for i in range(2 * len(r))]

    def reveal_tail(self, r: list[int]) -> None:
        self.public_rows: list[list[int]] = []
        if not self.masks:
            return
        w, p2, m2 = self.w, self.masks["tail"], self.masks["tail mask"]
        weights = self.tail_weights(r)
        w.scalars("tail mask", [sum(a * b for a, b in zip(weights, m2, strict=True))])
        g = w.draw("g")
        row = [(p + g * m) % P for p, m in zip(p2, m2, strict=True)]
        w.scalars("tail row", row)
        first, second = self.masks["tail blindings"]
        w.scalars("tail blinding", [first + g * second])
        self.public_rows = [row]
