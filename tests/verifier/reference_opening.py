"""The last sumcheck and the opening of the slow prover."""

from __future__ import annotations

from typing import Any

from tests.verifier.reference_algebra import TAU, Linear, P, encode, eq, fold, inv
from verifai.verifier.native.curve import G, msm


class Opening:
    """What a proof ends with; :class:`tests.verifier.reference_prover.Prover` has the rest."""

    w: Any
    c: Any
    n: int
    vector: Any
    blinding: Any
    points: Any
    pad_last: Any
    reveal_tail: Any
    public_rows: Any

    def last_and_open(self, total: Linear) -> None:
        w = self.w
        weights = [0] * 2**self.n
        for address, k in total.items():
            if address >= 0:
                weights[address] = k
        vector, r = self.vector, []
        for round_ in range(self.n):
            half = len(vector) // 2
            sums = []
            for t in (0, 2):
                s = 0
                for x in range(half):
                    k, v = weights[x], vector[x]
                    if t:
                        k, v = 2 * weights[x + half] - k, 2 * vector[x + half] - v
                    s += k * v
                sums.append(s % P)
            self.pad_last(sums, round_)
            w.scalars("last", sums)
            r.append(w.draw("r"))
            weights, vector = fold(weights, r[-1]), fold(vector, r[-1])
        w.scalars("value", [vector[0]])
        self.reveal_tail(r)
        self.open(r)

    def open(self, r: list[int]) -> None:
        w, n = self.w, self.c.log_columns
        cut, size = self.n - n, 2**n
        e = eq(r[:cut])
        row, blinding = [0] * size, 0
        for i in self.points:
            blinding += e[i] * self.blinding[i]
            for j in range(size):
                row[j] = (row[j] + e[i] * self.vector[i * size + j]) % P
        w.scalars("opening blinding", [blinding])
        polynomials = [row]
        for x in list(reversed(r[cut:]))[:-1]:
            a = polynomials[-1]
            polynomials.append([((1 - x) * a[j] + x * a[j + 1]) % P for j in range(0, len(a), 2)])

        def at(f: list[int], x: int) -> int:
            value = 0
            for v in reversed(f):
                value = (value * x + v) % P
            return value

        def point(scalar: int) -> bytes:
            return encode(msm([G], [scalar % P]))

        w.send("opening folds", 2, [point(at(f, TAU)) for f in polynomials[1:]])
        x = first_x = w.draw("opening r")
        claims = []
        for f in polynomials:
            claims += [(f, x, at(f, x)), (f, -x % P, at(f, -x % P))]
            x = x * x % P
        w.scalars("opening evaluations", [claims[0][2], *(v for _, _, v in claims[1::2])])
        for f in self.public_rows:
            claims.append((f, first_x, at(f, first_x)))
        nu = w.draw("opening nu")

        def quotient(at_x: int, below: Any) -> int:
            return sum(
                pow(nu, i, P) * (at(f, at_x) - v) * inv(below(z))
                for i, (f, z, v) in enumerate(claims)
            )

        first = quotient(TAU, lambda z: TAU - z)
        w.send("opening W", 2, [point(first)])
        z = w.draw("opening z")
        second = quotient(TAU, lambda y: z - y)
        w.send("opening W'", 2, [point((first - second) * inv(TAU - z))])
