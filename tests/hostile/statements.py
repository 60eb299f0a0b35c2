"""An honest proof presented for something else: statement, key, circuit and context."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Final

from py_ecc.optimized_bn128 import G2, multiply, normalize

from tests.hostile.scene import Change, Try, Way
from tests.hostile.targets import CONTEXT, OTHER_CONTEXTS
from tests.hostile.values import flip
from tests.soundness.proofs import Claim
from verifai.verifier.native.check import context_bytes

#: Everything that a claim is about, besides the proof.
STATEMENT: Final = ("batch", "context", "words")
KEY: Final = ("table", "commitments", "tau_g2")
#: What is taken from which donor: parts in which it differs from the honest claim.
TAKEN: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "other input": (("words",),),
    "other model": (("commitments",), ("commitments", "words"), ("proof", "words")),
    "other context": (("proof",),),
    "other batch": (("words",), ("batch", "words"), ("batch", "proof"), ("proof", "words")),
}


@functools.cache
def other_tau(tau: int) -> bytes:
    """tau H2 of a reference string whose tau is this small number."""
    x, y = normalize(multiply(G2, tau))
    numbers = (x.coeffs[1], x.coeffs[0], y.coeffs[1], y.coeffs[0])
    return b"".join(int(n).to_bytes(32, "big") for n in numbers)


def taken(donor: str, *parts: str) -> Change:
    """Parts of another honest claim, everything else as it was."""

    def change(a: Try) -> Claim | None:
        given = a.scene.target.donors.get(donor)
        return given and a.but(**{part: getattr(given, part) for part in parts})

    return change


def stranger(*parts: str) -> Change:
    """Parts of a claim about another circuit."""

    def change(a: Try) -> Claim | None:
        if not a.scene.strangers:
            return None
        given = a.random.choice(a.scene.strangers)
        return a.but(**{part: getattr(given, part) for part in parts})

    return change


def context(name: str) -> Change:
    return lambda a: a.but(context=context_bytes(OTHER_CONTEXTS[name]))


def random_context(a: Try) -> Claim:
    """Another nonce, chain and job."""
    nonce, chain = a.random.getrandbits(128), a.random.randrange(1 << 32)
    return a.but(context=context_bytes({**CONTEXT, "nonce": nonce, "chain_id": chain}))


def batch(make: Callable[[Try, int], int]) -> Change:
    return lambda a: a.but(batch=make(a, a.claim.batch))


def repeated_words(a: Try) -> Claim:
    """One inference more, with words of its own."""
    words = a.claim.words
    return a.but(batch=a.claim.batch + 1, words=words + words[: len(words) // a.claim.batch])


def numbers(table: bytes) -> list[re.Match[bytes]]:
    return list(re.finditer(rb"-?\d+", table))


def changed_number(a: Try) -> Claim:
    """One number of the table: a shape, a shift, an offset, a bound, an operand, an entry."""
    found = a.random.choice(numbers(a.part))
    value = int(found[0]) + a.random.choice((-1, 1))
    return a.with_part(a.part[: found.start()] + b"%d" % value + a.part[found.end() :])


def exchanged_numbers(a: Try) -> Claim:
    """Two numbers of the table."""
    one, two = sorted(a.random.sample(numbers(a.part), 2), key=lambda m: m.start())
    middle = a.part[one.end() : two.start()]
    return a.with_part(a.part[: one.start()] + two[0] + middle + one[0] + a.part[two.end() :])


def without_a_constraint(a: Try) -> Claim | None:
    """The first or last entry of one of the lists of constraints."""
    lists = list(re.finditer(rb'"(?:zero|product|lookup|public)":\[(?=.)', a.part))
    name = a.random.choice(lists)
    start = name.end()
    entry = re.match(rb"(?:\d+|\{[^{}]*\}),?", a.part[start:])
    return entry and a.with_part(a.part[:start] + a.part[start + entry.end() :])


def not_hiding(a: Try) -> Claim:
    return a.with_part(a.part.replace(b'"hiding":true,', b"", 1))


def rows() -> list[Way]:
    """The ways."""

    def about(part: str, name: str, change: Change, group: str) -> Way:
        return Way(name, group, (), (part,), change)

    found = [
        about("context", f"context: {name}", context(name), "replay") for name in OTHER_CONTEXTS
    ]
    found.append(about("context", "context: random", random_context, "replay"))
    for donor, choices in TAKEN.items():
        for parts in choices:
            name = f"{' and '.join(parts)} of: {donor}"
            found.append(about("batch", name, taken(donor, *parts), "wrong statement"))
    wrong = "wrong batch"
    found += [
        about("batch", "batch + 1", batch(lambda a, b: b + 1), wrong),
        about("batch", "batch 0", batch(lambda a, b: 0), wrong),
        about("batch", "large batch", batch(lambda a, b: 1 << a.random.randrange(2, 64)), wrong),
        about("batch", "random batch", batch(lambda a, b: a.random.randrange(1 << 20)), wrong),
        about("batch", "one inference more", repeated_words, wrong),
    ]
    wrong = "wrong circuit or key"
    found += [
        about("table", "a bit of the table", flip, wrong),
        about("table", "a number of the table", changed_number, wrong),
        about("table", "numbers exchanged", exchanged_numbers, wrong),
        about("table", "without a constraint", without_a_constraint, wrong),
        about("table", "without hiding", not_hiding, wrong),
        about("table", "table of another circuit", stranger("table"), wrong),
        about("table", "key of another circuit", stranger(*KEY), wrong),
        about("table", "another circuit's proof", stranger("proof"), wrong),
        about("table", "another circuit's statement", stranger(*STATEMENT), wrong),
        Way(
            "another reference string",
            wrong,
            (),
            ("tau_g2",),
            lambda a: a.but(tau_g2=other_tau(a.random.randint(1, 9))),
        ),
    ]
    return found
