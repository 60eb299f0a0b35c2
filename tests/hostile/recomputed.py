"""Attacks that repair what they break: messages recomputed such that checks hold.

*Adaptive.* A field is changed, and a later message is chosen, after all challenges on which it may
depend, such that the next check holds: the row of the tail (or the value), then the evaluations.
What is left is the pairing check, whose quotients nobody can recompute without tau.

*Frozen.* A field is changed, and others make up for it under the challenges of the honest proof.
Every check holds, and only the transcript stands against it: a verifier that does not hash the
changed messages accepts.

Both read what a check compares from the frame in which the Python verifier refuses.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.hostile.fields import Field, public_words
from tests.hostile.plan import Attempt
from tests.hostile.scene import Scene, Try, Way
from tests.hostile.statements import random_context
from tests.hostile.values import GENERATOR, number, plus, times
from tests.soundness.broken_verifier import MODULES, Verifier, assembled, compiled
from tests.soundness.proofs import Claim
from verifai.errors import VerificationError
from verifai.verifier.native import verify
from verifai.verifier.native.field import P, inverse
from verifai.verifier.native.transcript import Transcript

Locals = dict[str, Any]
#: Messages that come after all claims: recomputed, not changed first.
LATE = ("value", "tail mask", "tail row", "tail blinding")


def refusal(verifier: Verifier, claim: Claim) -> tuple[str, dict[str, Locals]]:
    """The step that refuses, and the variables of every function on the way there."""
    parts = (*claim.key, claim.batch, claim.context)
    try:
        verifier(*parts, public_words(claim), claim.proof)
    except VerificationError as error:
        frames, trace = {}, error.__traceback__
        while trace is not None:
            frames[trace.tb_frame.f_code.co_name] = dict(trace.tb_frame.f_locals)
            trace = trace.tb_next
        return str(error.details["step"]), frames
    return "", {}


def changed(scene: Scene, field: Field, rng: random.Random) -> Claim:
    """The field with another canonical value: a number one more, a point plus G."""
    a = Try(scene, field, rng)
    match field.kind:
        case "point":
            return a.with_value(plus(a.value, GENERATOR))
        case "digest":
            return random_context(a)
        case "word":  # the first lane exists in every word
            value = number(a.value)
            return a.with_value(((value & ~0xFFFF) + ((value + 1) & 0xFFFF)).to_bytes(32, "big"))
    return a.with_value(((number(a.value) + 1) % P).to_bytes(32, "big"))


def put(claim: Claim, field: Field, value: int) -> Claim:
    """Another scalar of the proof."""
    data = (value % P).to_bytes(32, "big")
    return claim.but(proof=claim.proof[: field.start] + data + claim.proof[field.end :])


def first_of_each_label(scene: Scene) -> list[Field]:
    """One field for each label and part that hold elements a lie can change."""
    found: dict[str, Field] = {}
    for field in scene.fields:
        if field.kind in ("scalar", "point", "word", "digest"):
            found.setdefault(field.label, field)
    return list(found.values())


def named(scene: Scene, label: str) -> list[Field]:
    return [f for f in scene.by_part["proof"] if f.label == label]


# ---- adaptive -----------------------------------------------------------------------------------


def way(name: str) -> Way:
    """A row of the figures; these attempts make their claims themselves."""
    return Way(name, "recomputed messages", (), (), lambda a: None)


ADAPTIVE = (way("last check made to hold"), way("last check and folding made to hold"))
FROZEN = way("checks hold under the old challenges")


def last_check_repaired(scene: Scene, claim: Claim, rng: random.Random) -> Claim | None:
    """``tail`` or ``last`` made to hold by what is sent last before it."""
    step, frames = refusal(verify, claim)
    if step == "tail":
        seen = frames["check_tail"]
        wrong = dot(seen["weights"], seen["row"]) - seen["gap"] - seen["g"] * seen["masked"]
        place = rng.choice([i for i, weight in enumerate(seen["weights"]) if weight])
        entry = seen["row"][place] - wrong * inverse(seen["weights"][place])
        return put(claim, named(scene, "tail row")[place], entry)
    if step == "last":
        seen = frames["_check"]
        value = seen["claim"] * inverse(seen["form"].at(seen["r"]))
        return put(claim, named(scene, "value")[0], value)
    return None


def folding_repaired(scene: Scene, claim: Claim) -> Claim | None:
    """``opening folding`` made to hold by the first evaluation."""
    step, frames = refusal(verify, claim)
    if step != "opening folding":
        return None
    seen = frames["check_opening"]

    zero, one = (folded(first, seen) for first in (0, 1))
    first = (seen["value"] - zero) * inverse(one - zero)
    return put(claim, named(scene, "opening evaluations")[0], first)


def folded(first: int, seen: Locals) -> int:
    """The constant at which the folds end, for an evaluation A_0(r)."""
    at, positive = seen["r"], first
    for negative, x in zip(seen["negatives"], reversed(seen["column_point"]), strict=True):
        even = (positive + negative) * inverse(2)
        odd = (positive - negative) * inverse(2 * at)
        positive, at = (even + x * (odd - even)) % P, at * at % P
    return positive


def adaptive(scene: Scene, seed: int = 0) -> Iterator[Attempt]:
    """Each label changed once, then repaired up to the pairing check."""
    rng = random.Random(f"adaptive {scene.target.name} {seed}")
    for field in first_of_each_label(scene):
        if field.label in LATE or field.label.startswith("opening"):
            continue
        lie = changed(scene, field, rng)
        repaired = last_check_repaired(scene, lie, rng)
        assert repaired is not None, f"{field} is refused before the last check"
        folded = folding_repaired(scene, repaired)
        assert folded is not None, f"{field}: the last check was not repaired"
        for way, claim in zip(ADAPTIVE, (repaired, folded), strict=True):
            yield Attempt(scene.target.name, scene.target.circuit, way, field, claim)


# ---- frozen -------------------------------------------------------------------------------------


def dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True)) % P


def recorded(claim: Claim) -> list[tuple[str, int]]:
    """Every challenge of an honest proof, with its label."""
    drawn: list[tuple[str, int]] = []

    class Noting(Transcript):
        def challenge(self, label: str) -> int:
            value = super().challenge(label)
            drawn.append((label, value))
            return value

    compiled_verify = compiled("verify", {"Transcript": Noting}).verify
    assert refusal(compiled_verify, claim)[0] == ""
    return drawn


def replaying(drawn: Sequence[tuple[str, int]]) -> type[Transcript]:
    """A transcript whose challenges are those, whatever it is given."""

    class Frozen(Transcript):
        def __init__(self, domain: str, record: Any = None) -> None:
            super().__init__(domain, record)
            self.rest = iter(drawn)

        def challenge(self, label: str) -> int:
            known, value = next(self.rest)
            assert known == label
            return value

    return Frozen


def frozen_verifier(claim: Claim) -> Verifier:
    """A verifier with the honest proof's challenges: what binds messages is left out."""
    return assembled({"verify": compiled("verify", {"Transcript": replaying(recorded(claim))})})


class Residuals:
    """What the checks of a proof lack under frozen challenges, as vectors over F."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.drawn = recorded(scene.honest)
        self.hiding = bool(named(scene, "tail row"))
        ignored = {"msm": lambda points, scalars: None}
        copies = {
            "verify": compiled("verify", {"Transcript": replaying(self.drawn)}, ("last",)),
            "hiding": compiled("hiding", ignored, ("tail",)),
            "opening": compiled(
                "opening", {**ignored, "pairing_equal": lambda *a: False}, ("opening folding",)
            ),
        }
        self.verifier = assembled(copies)
        self.honest = self.frames(scene.honest)["check_opening"]

    def frames(self, claim: Claim) -> dict[str, Locals]:
        step, frames = refusal(self.verifier, claim)
        assert step == "opening pairing", step
        return frames

    def of(self, claim: Claim) -> list[int]:
        """The last check's, the folding's, and the coefficients of G and of H, less the honest."""
        frames = self.frames(claim)
        opening, check = frames["check_opening"], frames["_check"]
        last = check["gap"]
        if self.hiding:
            row, mask = ([number(f.of(claim)) for f in named(self.scene, n)] for n in TAIL)
            weights = MODULES["hiding"].pad_weights(2, check["r"])
            g = next(value for label, value in self.drawn if label == "g")
            last = dot(weights, row) - check["gap"] - g * mask[0]
        return [
            last % P,
            (folded(opening["first"], opening) - opening["value"]) % P,
            (opening["constant"] - self.honest["constant"]) % P,
            (opening["blindings"] - self.honest["blindings"]) % P,
        ]


TAIL = ("tail row", "tail mask")


def solved(columns: list[list[int]], goal: list[int]) -> list[int] | None:
    """x with ``sum x_j columns_j = goal`` over F, None if there is none."""
    rows = [[*(column[i] for column in columns), goal[i]] for i in range(len(goal))]
    pivots: list[int] = []
    for j in range(len(columns)):
        place = next((i for i in range(len(pivots), len(rows)) if rows[i][j] % P), None)
        if place is None:
            continue
        top = len(pivots)
        rows[top], rows[place] = rows[place], rows[top]
        scale = inverse(rows[top][j])
        rows[top] = [value * scale % P for value in rows[top]]
        for i, row in enumerate(rows):
            if i != top and row[j]:
                rows[i] = [(a - row[j] * b) % P for a, b in zip(row, rows[top], strict=True)]
        pivots.append(j)
    if any(row[-1] for row in rows[len(pivots) :]):
        return None
    found = [0] * len(columns)
    for row, j in zip(rows, pivots, strict=False):
        found[j] = row[-1]
    return found


def frozen(scene: Scene, seed: int = 0) -> Iterator[Attempt]:
    """Each label changed once, and repaired under the honest proof's challenges."""
    rng = random.Random(f"frozen {scene.target.name} {seed}")
    residuals = Residuals(scene)
    repairs = scalar_repairs(scene, residuals)
    for field in first_of_each_label(scene):
        if field.kind == "point":
            claim = points_repaired(scene, residuals, field)
        else:
            claim = repairs(field, changed(scene, field, rng))
        if claim is not None:
            yield Attempt(scene.target.name, scene.target.circuit, FROZEN, field, claim)


def scalar_repairs(scene: Scene, residuals: Residuals) -> Callable[[Field, Claim], Claim | None]:
    """A function that repairs a claim in which one scalar was changed."""
    evaluations, last = named(scene, "opening evaluations"), named(scene, "last")
    free = [last[-2], last[-1], *evaluations[-3:], *named(scene, "opening blinding")]
    free += named(scene, "tail blinding")
    slopes = {}
    for field in free:
        slopes[field] = residuals.of(put(scene.honest, field, number(field.of(scene.honest)) + 1))

    def repair(field: Field, lie: Claim) -> Claim | None:
        usable = [f for f in free if f is not field]
        lack = residuals.of(lie)
        steps = solved([slopes[f] for f in usable], [-v % P for v in lack])
        if steps is None:
            return None
        for other, step in zip(usable, steps, strict=True):
            lie = put(lie, other, number(other.of(lie)) + step)
        return lie

    return repair


def points_repaired(scene: Scene, residuals: Residuals, field: Field) -> Claim | None:
    """Two points changed such that their combination stays: A + s_b G and B - s_a G."""
    weights = dict(combined(scene, residuals))
    scale = weights.pop(field, None)
    if not scale:
        return None
    other, other_scale = next((f, s) for f, s in weights.items() if s and f.part == "proof")
    claim = scene.honest
    for at, by in ((field, other_scale), (other, -scale)):
        part: bytes = getattr(claim, at.part)
        moved = plus(at.of(claim), times(GENERATOR, by))
        claim = claim.but(**{at.part: part[: at.start] + moved + part[at.end :]})
    return claim


def combined(scene: Scene, residuals: Residuals) -> Iterator[tuple[Field, int]]:
    """The points of a claim with their coefficients in the pairing check; W' has two sides."""
    scalars = list(residuals.honest["scalars"])
    rows = scene.by_part.get("commitments", [])
    rows = [*rows, *named(scene, "stage 1"), *named(scene, "stage 2")]
    order = [*named(scene, "opening W"), None, *rows, *named(scene, "opening folds")]
    for field, scale in zip(order, scalars, strict=False):
        if field is not None:
            yield field, scale % P
    if residuals.hiding:
        g = next(value for label, value in residuals.drawn if label == "g")
        one, two = named(scene, "tail")
        yield one, scalars[len(order)] % P
        yield two, scalars[len(order)] * g % P
