"""Fields and messages moved, doubled, left out, or taken from another honest proof."""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile.fields import Field
from tests.hostile.scene import SEQUENCES, Change, Try, Way
from tests.soundness.proofs import Claim


def exchanged(a: Try, other: Field) -> Claim | None:
    """The field and another one of its part, which may differ in size."""
    first, second = sorted((a.field, other), key=lambda f: f.start)
    if first.start == second.start:
        return None
    part, claim = a.part, a.claim
    middle = part[first.end : second.start]
    return a.with_part(
        part[: first.start] + second.of(claim) + middle + first.of(claim) + part[second.end :]
    )


def swap_next(a: Try) -> Claim | None:
    place = a.siblings.index(a.field)
    return exchanged(a, a.siblings[place + 1]) if place + 1 < len(a.siblings) else None


def swap_any(a: Try) -> Claim | None:
    return exchanged(a, a.random.choice(a.siblings))


def copy_any(a: Try) -> Claim:
    same = [f for f in a.siblings if f.size == a.field.size]
    return a.with_value(a.random.choice(same).of(a.claim))


def moved_to_end(a: Try) -> Claim:
    return a.with_part(a.part[: a.field.start] + a.part[a.field.end :] + a.value)


def spaced(make: Callable[[Try], bytes], *, cut: bool = False) -> Change:
    """Bytes after the field; the part's end falls off if ``cut``."""

    def change(a: Try) -> Claim:
        longer = a.part[: a.field.end] + make(a) + a.part[a.field.end :]
        return a.with_part(longer[: len(a.part)] if cut else longer)

    return change


def left_out(a: Try, filled: bytes = b"") -> Claim:
    return a.with_part(a.part[: a.field.start] + a.part[a.field.end :] + filled)


def truncated_within(a: Try) -> Claim:
    return a.with_part(a.part[: a.field.start + a.random.randrange(1, a.field.size)])


def trailing(a: Try) -> Claim:
    more = a.random.choice((b"\0", a.value, bytes(32), a.random.randbytes(64), a.part))
    return a.with_part(a.part + more)


def leading(a: Try) -> Claim:
    return a.with_part(a.random.choice((b"\0", a.value, bytes(64))) + a.part)


# ---- messages -----------------------------------------------------------------------------------


def whole(make: Callable[[Try, list[bytes]], list[bytes]]) -> Change:
    """The elements of the whole message."""

    def change(a: Try) -> Claim:
        first, last = a.message[0], a.message[-1]
        elements = make(a, [f.of(a.claim) for f in a.message])
        return a.with_part(a.part[: first.start] + b"".join(elements) + a.part[last.end :])

    return change


def shuffled(a: Try, elements: list[bytes]) -> list[bytes]:
    return a.random.sample(elements, len(elements))


def another_round(a: Try) -> Claim | None:
    """Two messages of one label exchanged."""
    messages = a.scene.by_message
    rounds = [m for label, m in messages if label == a.field.label and m != a.field.message]
    if not rounds:
        return None
    other = messages[a.field.label, a.random.choice(rounds)]
    first, second = sorted((a.message, other), key=lambda m: m[0].start)
    part = a.part
    one = part[first[0].start : first[-1].end]
    two = part[second[0].start : second[-1].end]
    middle = part[first[-1].end : second[0].start]
    return a.with_part(part[: first[0].start] + two + middle + one + part[second[-1].end :])


# ---- parts of other honest proofs ---------------------------------------------------------------


def spliced(donor: str, ends: Callable[[Try], tuple[int, int]]) -> Change:
    """The bytes between two places, from a donor's part of the same name."""

    def change(a: Try) -> Claim | None:
        given = a.scene.target.donors.get(donor)
        if given is None:
            return None
        theirs: bytes = getattr(given, a.field.part)
        start, end = ends(a)
        return a.with_part(a.part[:start] + theirs[start:end] + a.part[end:])

    return change


def element(a: Try) -> tuple[int, int]:
    return a.field.start, a.field.end


def message(a: Try) -> tuple[int, int]:
    return a.message[0].start, a.message[-1].end


def section(a: Try) -> tuple[int, int]:
    """All messages of the label."""
    same = [f for f in a.siblings if f.label == a.field.label]
    return same[0].start, same[-1].end


def prefix(a: Try) -> tuple[int, int]:
    return 0, a.field.end


def suffix(a: Try) -> tuple[int, int]:
    return a.field.start, 1 << 30


DONORS = ("same statement", "other input", "other model", "other context", "other batch")


def rows() -> list[Way]:
    """The ways."""

    def sequence(name: str, change: Change) -> Way:
        return Way(name, "order and length", (), SEQUENCES, change)

    def messages(name: str, change: Change) -> Way:
        return Way(name, "whole messages", (), ("proof",), change)

    found = [
        sequence("swapped with the next", swap_next),
        sequence("swapped with another", swap_any),
        sequence("copied from another", copy_any),
        sequence("moved to the end", moved_to_end),
        sequence("duplicated", spaced(lambda a: a.value)),
        sequence("duplicated, end cut", spaced(lambda a: a.value, cut=True)),
        sequence("zeros inserted, end cut", spaced(lambda a: bytes(len(a.value)), cut=True)),
        sequence("a byte inserted", spaced(lambda a: a.random.randbytes(1))),
        sequence("left out", left_out),
        sequence("left out, end filled", lambda a: left_out(a, bytes(len(a.value)))),
        sequence("truncated before", lambda a: a.with_part(a.part[: a.field.start])),
        sequence("truncated within", truncated_within),
        sequence("trailing bytes", trailing),
        sequence("leading bytes", leading),
        messages("message zeroed", whole(lambda a, e: [bytes(len(x)) for x in e])),
        messages("message reversed", whole(lambda a, e: e[::-1])),
        messages("message shuffled", whole(shuffled)),
        messages("message doubled", whole(lambda a, e: e + e)),
        messages("message left out", whole(lambda a, e: [])),
        messages("rounds exchanged", another_round),
    ]
    for donor in DONORS:
        group = f"spliced with: {donor}"
        for name, ends in (
            ("element", element),
            ("message", message),
            ("section", section),
            ("prefix", prefix),
            ("suffix", suffix),
        ):
            parts = ("proof", "words", "commitments", "context") if ends is element else ("proof",)
            found.append(Way(f"{name}, {donor}", group, (), parts, spliced(donor, ends)))
    return found
