"""A slow prover for small tables, written from ``docs/protocol.md`` on its own.

Everything is dense: a tensor's entries are linear forms in the committed vector, found by walking
the graph *forwards*; sumchecks sum over whole cubes; the reference string's tau is known, so that
a commitment is one evaluation. Only Keccak and multiples of points are the verifier's.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from typing import Any

import numpy as np

from tests.verifier.circuits import HEADER, Array, Circuit, integers
from tests.verifier.reference_algebra import (
    TAU,
    Linear,
    P,
    Tile,
    Writer,
    bits,
    combine,
    encode,
    eq,
    fold,
    inv,
    next_claim,
    pack,
)
from tests.verifier.reference_hiding import Hiding
from tests.verifier.reference_opening import Opening
from verifai.verifier.native.curve import G, H, msm


class Prover(Opening, Hiding):
    """``prove()`` leaves proof, words, commitments (of the weights) and the writer."""

    def __init__(self, circuit: Circuit, context: bytes = bytes(32)) -> None:
        self.c, self.context = circuit, context
        self.rng = random.Random(7)
        self.w = Writer()
        self.lines: dict[str, Tile] = {}
        self.masks: dict[str, list[int]] = {}
        self.layout()

    # ---- layout -------------------------------------------------------------------------------

    def outer(self, axes: list[int], batched: bool) -> tuple[int, ...]:
        return (0, *(a + 1 for a in axes)) if batched else tuple(axes)

    def layout(self) -> None:
        c = self.c
        regions: dict[str, list[Tile]] = {
            r: [] for r in ("weight", "input", "output", "witness", "helper", "mask")
        }
        self.blocks: dict[int, list[Tile]] = {}
        self.contents: list[tuple[Tile, Array]] = []
        lookups: list[tuple[Tile, Any]] = []
        for i, node in enumerate(c.nodes):
            if node["kind"] not in ("weight", "committed"):
                continue
            limbs = node.get("limbs", [])
            value = integers(c.values[i] - node.get("offset", 0))
            self.blocks[i] = []
            for b in limbs or [None]:
                tile = Tile(c.values[i].shape, self.outer(node["outer"], c.batched[i]))
                regions[node.get("region", "weight")].append(tile)
                self.blocks[i].append(tile)
                part = value if b is None else integers(value % 2**b)
                self.contents.append((tile, part))
                if b is not None:
                    lookups.append((tile, (b, part, None)))
                    value = integers(value >> b)
            if limbs:
                assert not np.any(value), f"node {i} is out of its range"
        for x in c.constraints["lookup"]:
            source, target = x["input"], x["output"]
            tile = Tile(c.values[source].shape, self.outer(x["outer"], c.batched[source]))
            lookups.append((tile, (16 + x["table"], source, target)))
        self.widths = {tag for _, (tag, _, _) in lookups if tag < 16}
        lengths = [512] + [len(t["outputs"]) for t in c.constraints["tables"]]
        self.m = [Tile((n,)) for n in lengths]
        self.ht = [Tile((n,)) for n in lengths]
        regions["witness"] += self.m

        by_key: dict[Any, list[tuple[int, Tile, Any]]] = {}
        for order, (tile, lookup) in enumerate(lookups):
            by_key.setdefault((tile.dims, tile.outer), []).append((order, tile, lookup))
        cut = [v[i : i + 4] for v in by_key.values() for i in range(0, len(v), 4)]
        cut.sort(key=lambda group: group[0][0])
        self.groups = []  # (h, place in the cube, lookups with the tiles of limbs)
        for group in cut:
            tile = group[0][1]
            h, place = Tile(tile.dims, tile.outer), Tile(tile.dims, tile.outer)
            self.groups.append((h, place, [(b, lookup) for _, b, lookup in group]))
        regions["helper"] += [h for h, _, _ in self.groups] + self.ht

        self.products = []
        for p in c.constraints["product"]:
            first = p["factors"][0]
            tile = Tile(c.values[first].shape, self.outer(p["outer"], c.batched[first]))
            self.products.append((tile, p["factors"]))
        end = max(
            pack([place for _, place, _ in self.groups], 0), pack([b for b, _ in self.products], 0)
        )
        self.nz = max(1, bits(max(end + c.hiding, 1)))
        if c.hiding:
            self.place_masks(regions, end)

        columns, at = 2**c.log_columns, 0
        self.rows: dict[str, list[int]] = {}
        for name, tiles in regions.items():
            self.rows[name] = []
            if tiles:
                unit = max(columns, 2 ** max(b.inner for b in tiles))
                start = (at + unit - 1) // unit * unit
                end = pack(tiles, start)
                at = (end + columns - 1) // columns * columns
                self.rows[name] = list(range(start // columns, at // columns))
        self.n = max(bits(at), c.log_columns)

    # ---- linear forms -------------------------------------------------------------------------

    def find_forms(self) -> None:
        """Every tensor without einsum as linear forms in the committed vector."""
        c = self.c
        self.forms: list[Any] = []
        for i, node in enumerate(c.nodes):
            out = np.empty(c.values[i].shape, dtype=object)
            match node["kind"]:
                case "weight" | "committed":
                    places = [tile.addresses() for tile in self.blocks[i]]
                    for index in np.ndindex(*out.shape):
                        form, shift = {-1: node.get("offset", 0)}, 0
                        for limb, place in enumerate(places):
                            form[place[index]] = 1 << shift
                            shift += node["limbs"][limb] if node.get("limbs") else 0
                        out[index] = form
                case "linear":
                    for index in np.ndindex(*out.shape):
                        terms = [(1, {-1: node["offset"]})]
                        for k, n in node["terms"]:
                            form = None
                            if self.forms[n] is not None:
                                form = self.forms[n][index[out.ndim - self.forms[n].ndim :]]
                            terms.append((k, form))
                        if any(form is None for _, form in terms):
                            out = None
                            break
                        out[index] = combine(*terms)
                case "reshape":
                    out = self.forms[node["source"]].reshape(out.shape)
                case "view" if self.forms[node["source"]] is not None:
                    source = self.forms[node["source"]]
                    for index in np.ndindex(*out.shape):
                        skip = 1 if c.batched[i] else 0
                        at = self.read(node["axes"], index[skip:])
                        inside = all(
                            0 <= j < d for j, d in zip(at, source.shape[skip:], strict=True)
                        )
                        out[index] = source[index[:skip] + at] if inside else {}
                case "gather":
                    ids = c.values[node["ids"]].astype(np.int64)
                    out[...] = self.forms[node["source"]][ids]
                case _:
                    out = None
            self.forms.append(out)

    @staticmethod
    def read(axes: list[Any], index: tuple[int, ...]) -> tuple[int, ...]:
        at = []
        for m in axes:
            if "indices" in m:
                at.append(m["indices"][index[m["axis"]]])
            else:
                at.append(m["offset"] + sum(k * index[a] for a, k in m["terms"]))
        return tuple(at)

    def weigh(self, node: int, weights: Array) -> Linear:
        forms = self.forms[node]
        return combine(*((weights[i], forms[i]) for i in np.ndindex(*forms.shape)))

    @staticmethod
    def spread(vectors: list[list[int]]) -> Array:
        out = integers(1)
        for v in vectors:
            out = out[..., None] * integers(v) % P
        return out

    # ---- proof --------------------------------------------------------------------------------

    def prove(self) -> bytes:
        c, w = self.c, self.w
        self.vector = [0] * 2**self.n
        self.blinding: dict[int, int] = {}
        self.points: dict[int, bytes] = {}
        for tile, values in self.contents:
            self.put(tile, values)
        lookup_values = self.looked_up()
        counts = [[0] * tile.dims[0] for tile in self.m]
        for group in lookup_values:
            for tag, values, _ in group:
                for v in values.ravel():
                    if tag < 16:
                        counts[0][2**tag + v] += 1
                    else:
                        counts[tag - 15][v - c.constraints["tables"][tag - 16]["first"]] += 1
        for tile, count in zip(self.m, counts, strict=True):
            self.put(tile, integers(count))
        for name, tile in self.lines.items():
            self.put(tile, integers(self.masks[name]))

        self.commit("weight")
        self.commitments = b"".join(self.points[i] for i in self.rows["weight"])
        parts = (HEADER, c.table_bytes(), self.commitments, tau_g2())
        digests = b"".join(hashlib.sha256(part).digest() for part in parts)
        key = b"verifai/verifying-key/2\0" + len(digests).to_bytes(8, "big") + digests
        w.step(1, 0, "key", hashlib.sha256(key).digest())
        w.step(1, 4, "batch", c.batch.to_bytes(32, "big"))
        w.step(1, 0, "context", self.context)
        self.words = self.public_words()
        if self.words:
            w.step(1, 1, "public words", b"".join(x.to_bytes(32, "big") for x in self.words))
        stage_1 = ["input", "output", "witness", "mask"]
        w.send("stage 1", 2, [p for name in stage_1 for p in self.commit(name)])
        self.commit_tail()
        alpha, beta = w.draw("alpha"), w.draw("beta")

        for (h, _, _), group in zip(self.groups, lookup_values, strict=True):
            total = np.zeros(h.dims, dtype=object)
            for tag, values, outputs in group:
                f = values + beta * tag + beta * beta * outputs
                total = total + np.vectorize(lambda x: inv(alpha - x), otypes=[object])(f)
            self.put(h, total % P)
        self.fingerprints = self.entries(beta)
        for tile, count, prints in zip(self.ht, counts, self.fingerprints, strict=True):
            values = [
                0 if f is None else m * inv(alpha - f) % P
                for m, f in zip(count, prints, strict=True)
            ]
            self.put(tile, integers(values))
        w.send("stage 2", 2, self.commit("helper"))

        self.find_forms()
        claims = self.zerocheck(alpha, beta, lookup_values)
        claims += self.table_side(alpha)
        claims += self.word_claims()
        claims += self.zero_claims()
        powers, lam = [1], w.draw("lambda")
        for _ in claims:
            powers.append(powers[-1] * lam % P)
        total = combine(*zip(powers, claims, strict=False))
        value = total.get(-1, 0) + sum(k * self.vector[a] for a, k in total.items() if a >= 0)
        self.holds = value % P == 0
        self.last_and_open(total)
        return w.proof

    def put(self, tile: Tile, values: Array) -> None:
        places, values = tile.addresses(), integers(values)
        for index in np.ndindex(*tile.dims):
            self.vector[places[index]] = values[index] % P

    def commit(self, region: str) -> list[bytes]:
        size, out = 2**self.c.log_columns, []
        for i in self.rows[region]:
            value = 0
            for v in reversed(self.vector[i * size : (i + 1) * size]):
                value = (value * TAU + v) % P
            self.blinding[i] = self.fresh(1)[0]
            self.points[i] = encode(msm([G, H], [value, self.blinding[i]]))
            out.append(self.points[i])
        return out

    def looked_up(self) -> list[list[tuple[int, Array, Any]]]:
        """(tag, values, outputs) of each lookup of each group."""
        out = []
        for _, _, lookups in self.groups:
            group = []
            for _, (tag, a, b) in lookups:
                if tag < 16:
                    group.append((tag, a, 0))
                else:
                    group.append((tag, self.c.values[a], self.c.values[b]))
            out.append(group)
        return out

    def entries(self, beta: int) -> list[list[Any]]:
        block: list[Any] = [None] * 512
        for b in self.widths:
            for t in range(2**b):
                block[2**b + t] = (t + beta * b) % P
        out = [block]
        for t, table in enumerate(self.c.constraints["tables"]):
            out.append(
                [
                    (table["first"] + i + beta * (16 + t) + beta * beta * y) % P
                    for i, y in enumerate(table["outputs"])
                ]
            )
        return out

    def lane(self, node: int) -> int:
        return 16 if sum(self.c.nodes[node]["limbs"]) <= 16 else 32

    def public_words(self) -> list[int]:
        words = []
        for node in self.c.public:
            lane = self.lane(node)
            each = 128 // lane
            raw = integers(self.c.values[node] - self.c.nodes[node]["offset"])
            for row in raw.reshape(-1, raw.shape[-1] if raw.ndim else 1):
                for j in range(0, len(row), each):
                    words.append(sum(v << lane * t for t, v in enumerate(row[j : j + each])))
        return words

    def zerocheck(self, alpha: int, beta: int, lookup_values: Any) -> list[Linear]:
        w, size = self.w, 2**self.nz
        tau, gamma = w.draws("tau", self.nz), w.draw("gamma")
        e = eq(tau)
        count = 10 if self.products else 5
        columns = [[0] * size for _ in range(count)]
        functionals: list[dict[int, Linear]] = [{} for _ in range(count)]
        tags = [[0] * size for _ in range(4)]
        en, gate = [0] * size, [0] * size
        numerators = [[0] * size for _ in range(4)]
        for (h, place, lookups), values in zip(self.groups, lookup_values, strict=True):
            places, helper = place.addresses(), h.addresses()
            for i, ((tile, (tag, a, b)), (_, value, outputs)) in enumerate(
                zip(lookups, values, strict=True)
            ):
                limbs = tile.addresses() if tag < 16 else None
                full = integers((value + beta * beta * outputs) % P)
                for index in np.ndindex(*place.dims):
                    x = places[index]
                    columns[i][x], tags[i][x], numerators[i][x] = full[index], tag, e[x]
                    if limbs is not None:
                        functionals[i][x] = {limbs[index]: 1}
                    else:
                        functionals[i][x] = combine(
                            (1, self.forms[a][index]), (beta * beta, self.forms[b][index])
                        )
            for index in np.ndindex(*place.dims):
                x = places[index]
                columns[4][x], en[x] = self.vector[helper[index]], e[x]
                functionals[4][x] = {helper[index]: 1}
        for place, factors in self.products:
            places = place.addresses()
            for index in np.ndindex(*place.dims):
                x = places[index]
                gate[x] = e[x]
                for i in range(5):
                    if i < len(factors):
                        columns[5 + i][x] = self.c.values[factors[i]][index] % P
                        functionals[5 + i][x] = self.forms[factors[i]][index]
                    else:
                        columns[5 + i][x], functionals[5 + i][x] = 1, {-1: 1}

        for j, slot in enumerate(self.masks.get("slots", [])):
            columns[j][self.position] = slot
            functionals[j][self.position] = {self.lines["slots"].base + j: 1}

        def relation(v: list[int]) -> int:
            col, tag, num, (on, of) = v[:count], v[count : count + 4], v[count + 4 : -2], v[-2:]
            d = [(alpha - x - beta * t) % P for x, t in zip(col[:4], tag, strict=True)]
            out = on * col[4] * d[0] * d[1] * d[2] * d[3]
            out -= num[0] * d[1] * d[2] * d[3] + num[1] * d[0] * d[2] * d[3]
            out -= num[2] * d[0] * d[1] * d[3] + num[3] * d[0] * d[1] * d[2]
            if count == 10:
                out += gamma * of * col[5] * col[6] * col[7] * col[8] * col[9]
            return out % P

        tables, z, claim = [*columns, *tags, *numerators, en, gate], [], Linear()
        for k in range(self.nz):
            half = len(tables[0]) // 2
            sums = []
            for t in (0, 2, 3, 4, 5, 6):
                at = [
                    [(a + t * (b - a)) % P for a, b in zip(f[:half], f[half:], strict=True)]
                    for f in tables
                ]
                sums.append(sum(relation(list(v)) for v in zip(*at, strict=True)) % P)
            message = self.padded(sums, 6 * k)
            w.scalars("zerocheck", sums)
            z.append(w.draw("z"))
            claim = next_claim(claim, message(), z[-1])
            tables = [fold(f, z[-1]) for f in tables]
        sent = [f[0] for f in tables[:count]]
        w.scalars("columns", sent)
        e = eq(z)
        # an honest sumcheck ends in the relation: without pads the first claim is the number 0
        after = relation([*sent, *(f[0] for f in tables[count:])])
        first = combine((1, claim), (-1, {-1: after})) if self.masks else Linear()
        return [first] + [
            combine(*((e[x], form) for x, form in f.items()), (-1, {-1: value}))
            for f, value in zip(functionals, sent, strict=True)
        ]

    def table_side(self, alpha: int) -> list[Linear]:
        w = self.w
        total: Linear = {}
        for h, _, _ in self.groups:
            total.update(dict.fromkeys(h.addresses().ravel(), 1))
        sides = []
        points = [w.draws("entry", 9)]
        points += [
            w.draws("table entry", bits(len(t["outputs"]))) for t in self.c.constraints["tables"]
        ]
        for k, point in enumerate(points):
            side: Linear = {}
            e = eq(point)
            for a, f in enumerate(self.fingerprints[k]):
                if f is not None:
                    side[self.ht[k].base + a] = e[a] * (alpha - f) % P
                    side[self.m[k].base + a] = -e[a] % P
                    total[self.ht[k].base + a] = P - 1
            sides.append(side)
        return [sides[0], total, *sides[1:]]

    def word_claims(self) -> list[Linear]:
        claims, at = [], 0
        for node in self.c.public:
            dims = self.c.values[node].shape
            last = dims[-1] if dims else 1
            lane = self.lane(node)
            each = 128 // lane
            per_row = -(-last // each)
            vectors = [eq(self.w.draws("word point", bits(d)))[:d] for d in dims[:-1]]
            e = eq(self.w.draws("word point", bits(per_row)))
            rows = self.spread(vectors).ravel()
            constant = 0
            for row in rows:
                for j in range(per_row):
                    constant += row * e[j] * self.words[at]
                    at += 1
            lanes = [e[t // each] * 2 ** (lane * (t % each)) % P for t in range(last)]
            weights = (rows[:, None] * integers(lanes) % P).reshape(dims)
            raw = combine((1, self.weigh(node, weights)))
            raw[-1] -= self.c.nodes[node]["offset"] * int(weights.sum())
            claims.append(combine((1, {-1: constant}), (-1, raw)))
        return claims

    # ---- zero constraints and contractions ------------------------------------------------------

    def zero_claims(self) -> list[Linear]:
        plain, contracted = [], []
        for node in self.c.constraints["zero"]:
            dims = self.c.values[node].shape
            vectors = [eq(self.w.draws("zero point", bits(d)))[:d] for d in dims]
            if self.forms[node] is not None:
                plain.append(self.weigh(node, self.spread(vectors)))
            else:
                contracted.append((node, vectors))
        return plain + (self.contract(contracted) if contracted else [])

    def descend(self, node: int, c: int, vectors: list[list[int]], found: list[Any]) -> Linear:
        """The linear part; einsums with coefficient and one vector per axis go to ``found``."""
        spec = self.c.nodes[node]
        if self.forms[node] is not None:
            return combine((c, self.weigh(node, self.spread(vectors))))
        if spec["kind"] == "einsum":
            found.append((node, c, vectors))
            return {}
        if spec["kind"] == "linear":
            sums = c * spec["offset"]
            for v in vectors:
                sums = sums * sum(v) % P
            out: Linear = {-1: sums}
            for k, n in spec["terms"]:
                drop = self.c.batched[node] and not self.c.batched[n]
                factor = c * k * (sum(vectors[0]) if drop else 1) % P
                part = self.descend(n, factor, vectors[1:] if drop else vectors, found)
                out = combine((1, out), (1, part))
            return out
        assert spec["kind"] == "view"
        skip = 1 if self.c.batched[node] else 0
        source = self.c.values[spec["source"]].shape[skip:]
        target, pulled, used = vectors[skip:], vectors[:skip], set()
        for m, d in zip(spec["axes"], source, strict=True):
            axes = [m["axis"]] if "indices" in m else [a for a, _ in m["terms"]]
            used.update(axes)
            vector = [0] * d
            for index in itertools.product(*(range(len(target[a])) for a in axes)):
                weight, at = 1, m.get("offset", 0)
                for n, (a, i) in enumerate(zip(axes, index, strict=True)):
                    weight = weight * target[a][i] % P
                    at += m["indices"][i] if "indices" in m else m["terms"][n][1] * i
                if 0 <= at < d:
                    vector[at] = (vector[at] + weight) % P
            pulled.append(vector)
        for a, v in enumerate(target):
            if a not in used:
                c = c * sum(v) % P
        return self.descend(spec["source"], c, pulled, found)

    def contract(self, zeros: list[Any]) -> list[Linear]:
        w, eta = self.w, self.w.draw("eta")
        power, linear, instances = 1, {}, []
        for node, vectors in zeros:
            found: list[Any] = []
            linear = combine((1, linear), (power, self.descend(node, 1, vectors, found)))
            for einsum, c, axes in found:
                instances.append(self.instance(einsum, power * c % P, axes))
            power = power * eta % P
        most = max(i["m"] for i in instances)
        tables = []
        for i in instances:
            spare = 2 ** (most - i["m"])
            i["coefficient"] = i["coefficient"] * inv(spare) % P
            tables.append((i["A"] * spare, i["B"] * spare))  # constant in the first variables

        kappa, claim_terms = [], combine((-1, linear))
        for k in range(most):
            sums = [0, 0, 0]
            for i, (a, b) in zip(instances, tables, strict=True):
                half = len(a) // 2
                for t in range(3):
                    s = 0
                    for x in range(half):
                        s += (a[x] + t * (a[x + half] - a[x])) * (b[x] + t * (b[x + half] - b[x]))
                    sums[t] = (sums[t] + i["coefficient"] * s) % P
            values = [sums[0], sums[2]]
            message = self.padded(values, 6 * self.nz + 2 * k)
            w.scalars("contraction", values)
            x = w.draw("kappa")
            kappa.append(x)
            claim_terms = next_claim(claim_terms, message(), x)
            tables = [(fold(a, x), fold(b, x)) for a, b in tables]
        ends = [v for a, b in tables for v in (a[0], b[0])]
        self.hide_ends(ends)
        w.scalars("ends", ends)
        self.sacrifice()
        claims = []
        for j, (i, a, b) in enumerate(zip(instances, ends[::2], ends[1::2], strict=True)):
            product = combine((a * b, {-1: 1}), (1, self.unmasked_product(j, a, b)))
            claim_terms = combine((1, claim_terms), (-i["coefficient"], product))
            pair = self.end_claims(i, kappa[most - i["m"] :], a, b)
            claims += self.with_triple(j, pair)
        return [claim_terms, *claims]

    def instance(self, node: int, coefficient: int, vectors: list[list[int]]) -> dict[str, Any]:
        spec = self.c.nodes[node]
        left, right = self.c.values[spec["left"]], self.c.values[spec["right"]]
        batched = [self.c.batched[spec[s]] for s in ("left", "right")]
        la, lb, lo = (
            ("Z" if on else "") + label
            for on, label in zip([*batched, any(batched)], spec["labels"], strict=True)
        )
        size = {**dict(zip(la, left.shape, strict=True)), **dict(zip(lb, right.shape, strict=True))}
        g = [x for x in lo if x in la and x in lb]
        k = [x for x in la if x not in lo]
        by_letter = dict(zip(lo, vectors, strict=True))
        tables = []
        for tensor, label, scaled in ((left, la, g), (right, lb, [])):
            order = [label.index(x) for x in g + k]
            own = [x for x in label if x not in g + k]
            moved = tensor.transpose(order + [label.index(x) for x in own])
            for x in reversed(own):
                moved = (moved * integers(by_letter[x])).sum(axis=-1) % P
            for axis, x in enumerate(g if scaled else []):
                shape = [-1 if i == axis else 1 for i in range(moved.ndim)]
                moved = moved * integers(by_letter[x]).reshape(shape) % P
            padded = np.zeros([2 ** bits(size[x]) for x in g + k], dtype=object)
            padded[tuple(slice(size[x]) for x in g + k)] = moved
            tables.append([int(v) for v in padded.ravel()])
        return {
            "node": node, "coefficient": coefficient, "m": sum(bits(size[x]) for x in g + k),
            "A": tables[0], "B": tables[1], "g": g, "k": k, "size": size,
            "labels": (la, lb), "weights": by_letter,
        }  # fmt: skip

    def end_claims(self, i: dict[str, Any], kappa: list[int], a: int, b: int) -> list[Linear]:
        e, at = {}, 0
        for x in i["g"] + i["k"]:
            n = bits(i["size"][x])
            e[x] = eq(kappa[at : at + n])[: i["size"][x]]
            at += n
        claims = []
        for side, label, value in zip(("left", "right"), i["labels"], (a, b), strict=True):
            vectors = []
            for x in label:
                v = e.get(x, [1] * i["size"][x])
                if x in i["weights"] and not (side == "right" and x in i["g"]):
                    v = [s * t % P for s, t in zip(v, i["weights"][x], strict=True)]
                vectors.append(v)
            node = self.c.nodes[i["node"]][side]
            claims.append(combine((1, self.weigh(node, self.spread(vectors))), (-value, {-1: 1})))
        return claims

    # ---- the end ------------------------------------------------------------------------------


def tau_g2() -> bytes:
    """TAU times the generator of G2, 128 bytes."""
    from py_ecc.optimized_bn128 import G2, multiply, normalize

    x, y = normalize(multiply(G2, TAU))
    return b"".join(int(c).to_bytes(32, "big") for k in (x, y) for c in reversed(k.coeffs))
