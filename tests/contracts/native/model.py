"""The verifier contract as Python: what it does with a compact table, step by step.

It reads nothing but the compact table, the words and the proof, as the contract does, so that the
table's meaning is tested apart from the contract. Slow and plain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from verifai.compact.program import DROPPED, FIRST_WORD, Op
from verifai.verifier.native.curve import msm
from verifai.verifier.native.field import P, dot, eq_at, eq_range, lagrange
from verifai.verifier.native.opening import PublicRow, check_opening
from verifai.verifier.native.transcript import (
    Kind,
    ProofReader,
    Transcript,
    encode_scalars,
    refused,
)
from verifai.verifier.native.verify import DOMAIN

REGIONS = ("weight", "input", "output", "witness", "helper", "mask")
HEADER = (
    ("version", 1), ("flags", 1), ("srs", 1), ("log_columns", 1), ("n", 1), ("nz", 1), ("nc", 1),
    ("tables", 1), ("widths", 2), ("instances", 2), ("public", 2), ("plain", 2),
    ("word_points", 2), ("zero_points", 2), ("narrow", 2), ("wide", 2), ("scalars", 2),
    ("memory", 3), ("input_words", 4), ("output_words", 4), ("batch", 4),
    ("entry_helper", 4), ("entry_count", 4), ("slots", 4), ("triples", 4), ("pads", 4),
    ("position", 4),
)  # fmt: skip


class Cursor:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        assert self.at + count <= len(self.data)
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count: int, signed: bool = False) -> int:
        return int.from_bytes(self.take(count), "big", signed=signed)


@dataclass
class Custom:
    first: int
    outputs: list[int]
    helper: int
    count: int


@dataclass
class Compact:
    """A compact table, parsed."""

    cursor: Cursor
    key: bytes
    head: dict[str, int]
    rows: dict[str, range]
    linked: list[tuple[bytes, range]]
    weights: list[tuple[int, int] | None] = field(default_factory=list)
    tables: list[Custom] = field(default_factory=list)


def parse(data: bytes) -> Compact:
    c = Cursor(data)
    key = c.take(32)
    c.take(64)
    head = {name: c.number(size) for name, size in HEADER}
    rows = {}
    for region in REGIONS:
        start = c.number(2)
        rows[region] = range(start, start + c.number(2))
    count, total = c.number(1), c.number(2)
    linked = []
    for at in range(len(data) - 36 * count, len(data), 36):
        start, many = (int.from_bytes(data[at + i : at + i + 2], "big") for i in (32, 34))
        linked.append((data[at : at + 32], range(start, start + many)))
    assert sum(len(places) for _, places in linked) == total
    c.data = data[: len(data) - 36 * count]
    out = Compact(c, key, head, rows, linked)
    for _ in rows["weight"]:
        x, y = c.number(32), c.number(32)
        out.weights.append((x, y) if x or y else None)
    for _ in range(head["tables"]):
        first, least = c.number(8, True), c.number(8, True)
        count, width, helper, multiplicity = c.number(3), c.number(1), c.number(4), c.number(4)
        outputs = [least + c.number(width) for _ in range(count)]
        out.tables.append(Custom(first, outputs, helper, multiplicity))
    return out


def run(t: Compact, scalars: list[int], memory: list[int]) -> list[int]:
    """The operations; the outputs."""
    c, h = t.cursor, t.head
    for _ in range(h["narrow"]):
        scalars.append(c.number(8, True) % P)
    for _ in range(h["wide"]):
        scalars.append(c.number(32))
    memory += [0] * (h["memory"] - len(memory))
    while (op := Op(c.number(1))) != Op.END:
        operation(op, c, scalars, memory)
    assert len(scalars) == h["scalars"]
    outputs = [scalars[c.number(2) - FIRST_WORD] for _ in range(12 + h["instances"])]
    assert c.at == len(c.data)
    return outputs


def operation(op: Op, c: Cursor, s: list[int], m: list[int]) -> None:
    def vector(count: int | None = None) -> list[int]:
        at = c.number(3)
        length = c.number(3) if count is None else count
        return m[at : at + length]

    def slot() -> int:
        number = c.number(2) - FIRST_WORD
        assert 0 <= number < len(s)
        return number

    if op == Op.PAIRS:
        s.append(sum(s[slot()] * s[slot()] for _ in range(c.number(2))) % P)
    elif op == Op.PRODUCT:
        product = 1
        for _ in range(c.number(1)):
            product = product * s[slot()] % P
        s.append(product)
    elif op == Op.EQ_SLOTS:
        p, n, start, count = slot(), c.number(1), c.number(4), c.number(2)
        s += eq_range(s[p : p + n], start, count)
    elif op == Op.INTERVAL:
        count, n, start, end = c.number(1), c.number(1), c.number(4), c.number(5)
        points = [[1] * (end - start)]
        for _ in range(count):
            p = slot()
            points.append(eq_range(s[p : p + n], start, end - start))
        s.append(sum(prod(x) % P for x in zip(*points, strict=True)) % P)
    elif op == Op.DOT:
        a, b, count = c.number(3), c.number(3), c.number(3)
        s.append(dot(m[a : a + count], m[b : b + count]))
    elif op in (Op.PREFIX, Op.BETWEEN):
        n, y = c.number(1), c.number(2) - FIRST_WORD
        x, end = slot(), c.number(4)
        start = c.number(4) if op == Op.BETWEEN else 0
        points = [eq_range(s[p : p + n], start, end - start) for p in (x, y) if p >= 0]
        s.append(sum(prod(v) % P for v in zip(*points, strict=True)) % P)
    elif op == Op.EQ_AT:
        n, p, index = c.number(1), slot(), c.number(4)
        s.append(eq_at(s[p : p + n], index))
    elif op == Op.EVALUATE:
        v, count, p, n = c.number(3), c.number(3), slot(), c.number(1)
        s.append(dot(m[v : v + count], eq_range(s[p : p + n], 0, count)))
    elif op == Op.BILINEAR:
        (a, la), (b, lb), (e, le) = ((c.number(3), c.number(2)) for _ in range(3))
        offset, stride = c.number(4), c.number(2)
        offset -= (offset >> 31) << 32
        s.append(
            sum(
                m[a + i] * m[b + j] * m[e + offset + stride * i + j]
                for i in range(la)
                for j in range(lb)
                if 0 <= offset + stride * i + j < le
            )
            % P
        )
    elif op == Op.TOTAL:
        s.append(sum(vector()) % P)
    elif op == Op.POINT:
        s += [s[slot()] for _ in range(c.number(1))]
    else:
        dest = c.number(3)
        out = vector_operation(c, op, s, m)
        m[dest : dest + len(out)] = out


def vector_operation(c: Cursor, op: Op, s: list[int], m: list[int]) -> list[int]:
    if op == Op.EQ_RANGE:
        p, n, start, count = c.number(2) - FIRST_WORD, c.number(1), c.number(4), c.number(3)
        return eq_range(s[p : p + n], start, count)
    if op == Op.COMBINE:
        length, out = c.number(3), None
        out = [0] * length
        for _ in range(c.number(1)):
            scale, at = s[c.number(2) - FIRST_WORD], c.number(3)
            out = [(x + scale * y) % P for x, y in zip(out, m[at : at + length], strict=True)]
        return out
    if op == Op.SCATTER:
        length, offset, count = c.number(3), c.number(4), c.number(1)
        offset -= (offset >> 31) << 32
        terms = [(offset, 1)]
        for _ in range(count):
            at, size, stride = c.number(3), c.number(3), c.number(4)
            stride -= (stride >> 31) << 32
            terms = [
                (place + stride * i, value * m[at + i] % P)
                for place, value in terms
                for i in range(size)
            ]
        out = [0] * length
        for place, value in terms:
            if 0 <= place < length:
                out[place] = (out[place] + value) % P
        return out
    if op == Op.CONTRACT:
        v, e = c.number(3), c.number(3)
        outer, inner, step = c.number(3), c.number(3), c.number(3)
        return [
            sum(m[v + (a * inner + i) * step + k] * m[e + i] for i in range(inner)) % P
            for a in range(outer)
            for k in range(step)
        ]
    if op == Op.ENTRYWISE:
        a, b, count = c.number(3), c.number(3), c.number(3)
        return [m[a + i] * m[b + i] % P for i in range(count)]
    if op == Op.EQ_ROWS:
        count, lane, last = c.number(3), c.number(1), c.number(3)
        start, step, p, n = c.number(4), c.number(3), c.number(2) - FIRST_WORD, c.number(1)
        out = []
        for _ in range(count):
            word, bit = divmod(c.number(3) * lane, 128)
            index = m[word] >> bit & (1 << lane) - 1
            assert index <= last, "ids"
            out += [eq_at(s[p : p + n], start + index * step + i) for i in range(step)]
        return out
    assert op == Op.PLACE
    length, v, count = c.number(3), c.number(3), c.number(3)
    out = [0] * length
    for i in range(count):
        place = c.number(3)
        if place != DROPPED:
            out[place] = (out[place] + m[v + i]) % P
    return out


def range_sums(alpha: int, beta: int, x: list[int], r: list[int], widths: int) -> tuple[int, ...]:
    """Over the entries of the used range tables, in closed form: the sums of
    eq(x) eq(r) (alpha - T), of eq(x) eq(r), and of eq(r)."""
    both = [(u * v % P, (1 - u) * (1 - v) % P) for u, v in zip(x, r, strict=True)]
    fingerprints = counts = ones = 0
    s, t = 1, 0  # sums of eq eq and of index eq eq over the low bits
    for b in range(9):
        one, zero = both[8 - b]
        if widths >> b & 1:
            top, top_r = one, r[8 - b]
            for k in range(8 - b):
                top, top_r = top * both[k][1] % P, top_r * (1 - r[k]) % P
            fingerprints += top * ((alpha - beta * b) * s - t)
            counts += top * s
            ones += top_r
        t = (t * (one + zero) + (s * one << b)) % P
        s = s * (one + zero) % P
    return fingerprints % P, counts % P, ones % P


def verify(
    data: bytes,
    tau_g2: object,
    context: bytes,
    words: list[int],
    proof: bytes,
    *,
    check: bool = True,
) -> dict[str, int]:
    """Accept and tell the values on the way, or raise as the Python verifier does.

    Without ``check`` it tells them of any messages, before it compares anything.
    """
    t = parse(data)
    h = t.head
    hiding, instances, n = h["flags"] & 1, h["instances"], h["n"]
    columns_count = 10 if h["flags"] & 2 else 5
    transcript = Transcript(DOMAIN)
    transcript.absorb("key", Kind.BYTES, t.key)
    transcript.absorb("batch", Kind.INTEGERS, h["batch"].to_bytes(32, "big"))
    transcript.absorb("context", Kind.BYTES, context)
    assert len(words) == h["input_words"] + h["output_words"]
    if words:
        transcript.absorb("public words", Kind.SCALARS, encode_scalars(words))
    reader = ProofReader(transcript, proof)
    challenge = transcript.challenge
    stage_1 = [r for _, places in t.linked for r in places]
    stage_1 += [r for name in ("input", "output", "witness", "mask") for r in t.rows[name]]
    points_1 = reader.points("stage 1", len(stage_1))
    tail = reader.points("tail", 2) if hiding else []
    alpha, beta = challenge("alpha"), challenge("beta")
    points_2 = reader.points("stage 2", len(t.rows["helper"]))
    tau, gamma = transcript.challenges("tau", h["nz"]), challenge("gamma")
    z, claim, pads = [], 0, []
    for _ in range(h["nz"]):
        message = reader.scalars("zerocheck", 6)
        z.append(challenge("z"))
        basis = lagrange(6, z[-1])
        claim = dot(basis, [message[0], claim - message[0], *message[1:]])
        pads = [pad * basis[1] % P for pad in pads]
        pads += [basis[1] - basis[0], *(-x for x in basis[2:])]
    columns = reader.scalars("columns", columns_count)
    entry = transcript.challenges("entry", 9)
    entry_points = [
        transcript.challenges("table entry", (len(x.outputs) - 1).bit_length()) for x in t.tables
    ]
    word_point = transcript.challenges("word point", h["word_points"])
    zero_point = transcript.challenges("zero point", h["zero_points"])
    eta = challenge("eta") if instances else 0
    kappa, factor, running, more = [], 1, 0, []
    for _ in range(h["nc"]):
        message = reader.scalars("contraction", 2)
        kappa.append(challenge("kappa"))
        b0, b1, b2 = lagrange(2, kappa[-1])
        factor = factor * b1 % P
        running = (message[0] * (b0 - b1) + running * b1 + message[1] * b2) % P
        more = [*(pad * b1 % P for pad in more), b1 - b0, -b2]
    ends = reader.scalars("ends", 2 * instances)
    x, revealed = 0, []
    if hiding and instances:
        x = challenge("x")
        revealed = reader.scalars("sacrifice", 2 * instances)
    lam = challenge("lambda")
    claims = 1 + columns_count + 2 + h["tables"] + h["public"] + h["plain"]
    fifth = claims
    if instances:
        claims += 1 + instances * (5 if hiding else 2)
    powers = [pow(lam, i, P) for i in range(claims)]
    r, last_factor, last_running, last = [], 1, 0, []
    for _ in range(n):
        message = reader.scalars("last", 2)
        r.append(challenge("r"))
        b0, b1, b2 = lagrange(2, r[-1])
        last_factor = last_factor * b1 % P
        last_running = (message[0] * (b0 - b1) + last_running * b1 + message[1] * b2) % P
        last = [*(pad * b1 % P for pad in last), b1 - b0, -b2]
    (value,) = reader.scalars("value", 1)

    # the slots, then the operations
    l16, l32, l64 = (1 << 16), (1 << 32), (1 << 64)
    lanes = [c * pow(1 + c, -1, P) % P for c in (l64, l32, l16)]
    scalars = [0, 1, pow(2, -1, P), *lanes, (1 + l16) * (1 + l32) * (1 + l64) % P, P - 1]
    scale_5 = powers[fifth] if instances else 0
    scalars += [alpha, beta, gamma, eta, x, scale_5 * factor % P]
    flat = [y for p in entry_points for y in p]
    scalars += [*tau, *z, *columns, *entry, *flat, *word_point, *zero_point, *kappa]
    scalars += [*ends, *revealed, *powers, *r]
    enabled, n0, n1, n2, n3, t0, t1, t2, t3, gate, constant, at_r, *coefficients = run(
        t, scalars, list(words)
    )

    # claim 0
    d = [(alpha - c - beta * tag) % P for c, tag in zip(columns, (t0, t1, t2, t3), strict=False)]
    relation = enabled * columns[4] * prod(d)
    for i, numerator in enumerate((n0, n1, n2, n3)):
        relation -= numerator * prod(d[:i] + d[i + 1 :])
    if columns_count == 10:
        relation += gamma * gate * prod(columns[5:])
    constant += claim - relation
    constant -= sum(c * p for c, p in zip(columns, powers[1:], strict=False))

    # tables
    side, total = powers[1 + columns_count], powers[2 + columns_count]
    top, low = r[: n - 9], r[n - 9 :]
    fp, counts, ones = range_sums(alpha, beta, entry, low, h["widths"])
    at_r += eq_at(top, h["entry_helper"] >> 9) * (side * fp - total * ones)
    at_r -= eq_at(top, h["entry_count"] >> 9) * side * counts
    for number, (table, p) in enumerate(zip(t.tables, entry_points, strict=True)):
        k = len(p)
        e, f = eq_range(p, 0, len(table.outputs)), eq_range(r[n - k :], 0, len(table.outputs))
        side = powers[3 + columns_count + number]
        tag = alpha - beta * (16 + number)
        fp = [tag - table.first - a - beta * beta * o for a, o in enumerate(table.outputs)]
        both = [u * v % P for u, v in zip(e, f, strict=True)]
        at_r += eq_at(r[: n - k], table.helper >> k) * (side * dot(both, fp) - total * sum(f))
        at_r -= eq_at(r[: n - k], table.count >> k) * side * sum(both)

    # contractions
    constant += scale_5 * running
    triples = [0] * 6 * instances
    for j, c in enumerate(coefficients):
        a, b = ends[2 * j : 2 * j + 2]
        left = fifth + 1 + j * (5 if hiding else 2)
        constant -= scale_5 * c * a * b + powers[left] * a + powers[left + 1] * b
        if hiding:
            e, f = revealed[2 * j : 2 * j + 2]
            s0, s1, s2 = powers[left + 2 : left + 5]
            constant -= s0 * e + s1 * f + s2 * e * f
            w = scale_5 * c
            triples[6 * j : 6 * j + 6] = [
                w * b + powers[left] + s0 * x,
                w * a + powers[left + 1] + s1,
                s2 * x - w,
                -s0 - s2 * f,
                -s1 - s2 * e,
                -s2,
            ]
    constant %= P

    # pads, slots, triples
    if hiding:
        vector = [*pads, *(scale_5 * p for p in more)]
        blocks = [(h["pads"], vector)]
        weight = eq_at(z, h["position"])
        blocks.append((h["slots"], [weight * p for p in powers[1 : 1 + columns_count]]))
        if instances:
            blocks.append((h["triples"], triples))
        for base, v in blocks:
            k = (len(v) - 1).bit_length()
            at_r += eq_at(r[: n - k], base >> k) * dot(v, eq_range(r[n - k :], 0, len(v)))
    at_r %= P
    if not check:
        return {"constant": constant, "at_r": at_r}
    gap = (at_r * value - (last_running - last_factor * constant)) % P

    public_rows = []
    if hiding:
        (masked,) = reader.scalars("tail mask", 1)
        g = challenge("g")
        if not g:
            raise refused("tail", "degenerate")
        row = reader.scalars("tail row", 2 * n)
        (blinding,) = reader.scalars("tail blinding", 1)
        if (dot(last, row) - gap - g * masked) % P:
            raise refused("tail", "does not hold")
        public_rows.append(PublicRow(msm(tail, (1, g)), blinding, row))
    elif gap:
        raise refused("last", "does not hold")
    indices = [*t.rows["weight"], *stage_1, *t.rows["helper"]]
    rows = list(zip(indices, [*t.weights, *points_1, *points_2], strict=True))
    cut = n - h["log_columns"]
    check_opening(reader, tau_g2, rows, r[:cut], r[cut:], value, public_rows)
    reader.finish()
    return {"relation": relation % P, "constant": constant, "at_r": at_r, "gap": gap}
