"""Tables with one constraint less, and the lie that only the missing constraint refuses.

=============  ==================================  ===========================================
missing        mutated table                       lie
=============  ==================================  ===========================================
zero           without the entry                   the definition sees another source
product        without the entry                   the maximum, and all distances, one more
lookup         without the entry                   another output
range of r     one bit more                        y - 1 and r + 2^s
range of x     one bit more                        an input above the range
range of d     no limbs (any field element)        a smaller element as the maximum
range of y     no limbs, and not public            below the floor; else y + k / 2^s and r - k
=============  ==================================  ===========================================
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np

from tests.soundness.lying import Array, Definition, Rules, Tweak, centred
from tests.soundness.proofs import Case
from verifai.circuit.satisfied import unsatisfied
from verifai.graph.integer import Linear
from verifai.verifier.native.field import P
from verifai.verifier.native.layout import MAX_LIMB
from verifai.verifier.native.parse import MAX_PUBLIC_BITS
from verifai.verifier.native.table import Committed, Table

#: Attempts at one lie; every attempt takes other elements, and now and then other inputs.
TRIES = 600


@dataclass(frozen=True)
class Removal:
    """One constraint: a zero, product or lookup by number, or the range of a committed node."""

    kind: str
    index: int

    def __str__(self) -> str:
        return f"{self.kind}{self.index}"


@dataclass(frozen=True)
class Lie:
    """A witness that the table without ``removal`` accepts and the whole table does not."""

    removal: Removal
    mutated: Table
    witness: list[Array]
    honest: list[Array]
    false_output: bool

    @property
    def small(self) -> bool:
        """Whether all values are 64-bit integers, as the Rust prover takes them."""
        return all(-(1 << 62) < v < 1 << 62 for a in self.witness for v in a.ravel())


def removals(table: Table) -> list[Removal]:
    """Every constraint but the public entries."""
    ranged = [n for n in table.committed if _committed(table, n).limbs]
    return [
        *(Removal("zero", n) for n in range(len(table.zero))),
        *(Removal("product", n) for n in range(len(table.product))),
        *(Removal("lookup", n) for n in range(len(table.lookup))),
        *(Removal("range", n) for n in ranged),
    ]


def redundant(rules: Rules, removal: Removal) -> str | None:
    """Why a range needs no lie: the other constraints leave one value, and it is in the range."""
    if removal.kind != "range":
        return None
    table, node = rules.table, removal.index
    rule, operation = rules.of.get(node), _committed(table, node)
    for copy in rules.by_zero:
        twin = _committed(table, copy.y)
        if copy.source == node and copy.shift and copy.d is None and twin.limbs:
            low = (twin.offset << copy.shift) - copy.half
            high = low + (1 << (twin.bits + copy.shift)) - 1
            if operation.offset <= low and high < operation.offset + (1 << operation.bits):
                return "divided into ranged parts"
        if copy.shift == 0 and copy.d is None and twin.limbs:
            source = table.nodes[copy.source].operation
            if copy.source == node:
                source = Linear(((1, node),), 0)
            if isinstance(source, Linear) and [n for _, n in source.terms] == [node]:
                ((factor, _),) = source.terms
                low, high = twin.offset - source.offset, twin.offset + (1 << twin.bits) - 1
                first, last = operation.offset, operation.offset + (1 << operation.bits) - 1
                # what is not below its floor is bounded above by what it is a maximum of
                above = high - source.offset <= factor * last or (rule and rule.floor is not None)
                if factor > 0 and factor * first <= low and above:
                    return "a copy of a multiple of it is ranged"
    if node in rules.lookup_of:
        return "an output of a table is one of its entries"
    if rule is None or node != rule.y:
        return None
    if rule.shift == 0 and rule.floor is None:
        return "equal to what other constraints bound" if rule.d is None else "one of its elements"
    for number in rules.readers(node):
        entries = table.tables[table.lookup[number].table]
        last = operation.offset + (1 << operation.bits) - 1
        if operation.offset <= entries.first and entries.first + len(entries.outputs) - 1 <= last:
            return "looked up in a table that is not wider"
    return None


def without(rules: Rules, removal: Removal) -> Table:
    """The table without one constraint."""
    table, at = rules.table, removal.index
    if removal.kind != "range":
        entries = getattr(table, removal.kind)
        return replace(table, **{removal.kind: entries[:at] + entries[at + 1 :]})
    rule, operation = rules.of.get(at), _committed(table, at)
    narrow = rule is None or at == rule.r
    if narrow and not (at in table.public and operation.bits >= MAX_PUBLIC_BITS):
        *most, last = operation.limbs
        limbs = (*most, last + 1) if last < MAX_LIMB else (*operation.limbs, 1)
    else:  # a public tensor has a range: without one it cannot be public
        limbs, table = (), hidden(table, at)
    node = replace(table.nodes[at], operation=replace(operation, limbs=limbs))
    return replace(table, nodes=(*table.nodes[:at], node, *table.nodes[at + 1 :]))


def hidden(table: Table, node: int) -> Table:
    """The table whose statements do not show this input or output."""
    ends = (
        tuple(replace(t, visibility="private") if t.node == node else t for t in tensors)
        for tensors in (table.inputs, table.outputs)
    )
    return replace(table, **dict(zip(("inputs", "outputs"), ends, strict=True)))


def find_lie(case: Case, removal: Removal, seed: int = 0) -> Lie | None:
    """A lie for ``removal``, or None after TRIES attempts."""
    rules = Rules(case.table)
    mutated = without(rules, removal)
    rng = random.Random(f"{case.name} {removal} {seed}")
    place = {node: i for i, node in enumerate(case.table.committed)}
    outputs = [place[n] for n in case.table.public if n not in rules.free]
    for attempt in range(TRIES):
        inputs = {n: case.witness[place[n]].astype(object) for n in rules.free}
        if attempt % 3 == 1:
            inputs = {n: _fresh(rules, n, a, rng, 1) for n, a in inputs.items()}
        if attempt % 3 == 2:  # multiples of 64 divide without a rest
            inputs = {n: _fresh(rules, n, a, rng, 64) for n, a in inputs.items()}
        changed, tweaks = _attempt(rules, removal, inputs, rng)
        lying = rules.solve(case.weights, changed, case.batch, tweaks)
        if unsatisfied(mutated, case.weights, lying, case.batch):
            continue
        if not unsatisfied(case.table, case.weights, lying, case.batch):
            continue
        honest = rules.solve(case.weights, inputs, case.batch)
        false_output = any(bool(np.any(lying[i] != honest[i])) for i in outputs)
        return Lie(removal, mutated, lying, honest, false_output)
    return None


def _committed(table: Table, node: int) -> Committed:
    operation = table.nodes[node].operation
    assert isinstance(operation, Committed)
    return operation


def _fresh(rules: Rules, node: int, like: Array, rng: random.Random, unit: int) -> Array:
    operation = _committed(rules.table, node)
    low, high = operation.offset, operation.offset + (1 << operation.bits) - 1
    values = [rng.randint(-(-low // unit), high // unit) * unit for _ in range(like.size)]
    return np.array(values, dtype=object).reshape(like.shape)


def _pick(rng: random.Random, array: Array) -> tuple[int, ...]:
    return tuple(rng.randrange(n) for n in array.shape)


Tweaks = dict[tuple[str, int], Tweak]


def _attempt(
    rules: Rules, removal: Removal, inputs: dict[int, Array], rng: random.Random
) -> tuple[dict[int, Array], Tweaks]:
    """Inputs and tweaks of one try."""
    kind, at = removal.kind, removal.index
    if kind == "zero":

        def shifted(parts: dict[str, Array]) -> None:
            source = parts["source"] = parts["source"].copy()
            source[_pick(rng, source)] += rng.choice((-1, 1)) << rules.by_zero[at].shift

        return inputs, {("source", at): shifted}
    if kind == "product":
        rule = next(d for d in rules.by_zero if d.product == at)
        return inputs, {("parts", rule.zero): lambda parts: _raise(rule, parts, rng)}
    if kind == "lookup":

        def other(parts: dict[str, Array]) -> None:
            parts["y"][_pick(rng, parts["y"])] += rng.choice((-2, -1, 1, 2))

        return inputs, {("lookup", at): other}
    if at in inputs:
        operation = _committed(rules.table, at)
        above = inputs[at].copy()
        above[_pick(rng, above)] = operation.offset + (1 << operation.bits) + rng.randrange(4)
        return {**inputs, at: above}, {}
    rule = rules.of[at]
    change = {rule.r: _carry, rule.d: _lower}.get(at, _below if rule.floor is not None else _fill)
    return inputs, {("parts", rule.zero): lambda parts: change(rule, parts, rng)}


def _raise(rule: Definition, parts: dict[str, Array], rng: random.Random) -> None:
    """The maximum exceeds all its elements by one."""
    place = _pick(rng, parts["y"])
    parts["y"][place] += 1
    parts["d"][rule.window(place, parts["d"])] += 1


def _carry(rule: Definition, parts: dict[str, Array], rng: random.Random) -> None:
    """One quotient less, and a remainder of 2^s more."""
    place = _pick(rng, parts["z"])
    parts["z"] = parts["z"].copy()
    parts["z"][place] -= 1
    parts["r"] = parts["r"].copy()
    parts["r"][place] += 1 << rule.shift
    parts.update(rule.maximum(parts["z"]))


def _lower(rule: Definition, parts: dict[str, Array], rng: random.Random) -> None:
    """A smaller element, or the floor, as the maximum: the largest has a negative distance."""
    place = _pick(rng, parts["y"])
    at = rule.window(place, parts["d"])
    elements = [int(v) for v in np.ravel(parts["z"][at])]
    choices = [v for v in [*elements, rule.floor] if v is not None]
    parts["y"][place] = rng.choice(choices)
    parts["d"][at] = parts["y"][place] - parts["z"][at]


def _below(rule: Definition, parts: dict[str, Array], rng: random.Random) -> None:
    """The largest element as the maximum, although it is below the floor."""
    largest = parts["z"].max(axis=rule.axes) if rule.axes else parts["z"]
    places = np.argwhere(largest < rule.floor)
    if len(places):
        place = tuple(rng.choice(places.tolist()))
        at = rule.window(place, parts["d"])
        parts["y"][place] = int(largest[place])
        parts["d"][at] = parts["y"][place] - parts["z"][at]


def _fill(rule: Definition, parts: dict[str, Array], rng: random.Random) -> None:
    """y + k / 2^s in the field, and r - k: along one line, for what reads y must agree."""
    y, top = parts["y"], (1 << rule.shift) - 1
    start = _pick(rng, y)
    line = [start]
    if y.ndim and rng.random() < 0.7:
        axis = rng.randrange(y.ndim)
        line = [(*start[:axis], i, *start[axis + 1 :]) for i in range(y.shape[axis])]
    parts["r"] = parts["r"].copy()
    for place in line:
        at = place if rule.d is None else rule.window(place, parts["d"])
        rests = parts["r"][at]
        if rule.d is None:
            k = rests - rng.randint(0, top)
            parts["r"][at] = rests - k
        else:  # the largest element has distance 0 and must keep it: it may only give
            d = parts["d"][at]
            k = rng.randint(0, min(int(v) for v in np.ravel(rests)[np.ravel(d) == 0]))
            moved = (rests - k) & top
            parts["d"][at] = d + (moved > rests)
            parts["r"][at] = moved
        y[place] = centred(int(y[place]) + k * pow(2, -rule.shift, P))
