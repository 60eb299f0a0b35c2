"""One run of the suite: so many mutants of so many targets, judged and counted."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from tests.hostile.judge import HANG_SECONDS, Verdict, alone, judged, judged_in_python, rust
from tests.hostile.plan import Attempt, attempts
from tests.hostile.recomputed import adaptive, frozen
from tests.hostile.scene import Scene
from tests.hostile.targets import TARGETS, target
from tests.soundness.proofs import Claim

#: Share of a circuit's mutants: its default proofs, those that do not hide, those of a batch.
SHARES = {(True, 1): 0.6, (False, 1): 0.2, (True, 3): 0.2}
#: Honest verifications of which the fastest counts.
HONEST_RUNS = 9
#: Attempts of each target, the longest on the clock, that are measured again by themselves.
SUSPECTS = 12


@dataclass
class Tally:
    """What was tried and what came of it.

    Attributes:
        tried, accepted: by (group, way).
        fields: tried, by target: all fields, and those that some attempt changes.
        crashes, hangs: descriptions.
        honest_seconds, slowest: by target: an honest proof, the slowest attempt; each measured
            alone, in processor time of all threads.
        suspects: by target: wall seconds, number and attempt of those that took longest.
        sample: attempts for the second verifier, with the verdict of the first.
    """

    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    accepted: list[str] = field(default_factory=list)
    by_target: Counter[str] = field(default_factory=Counter)
    recomputed: int = 0
    fields: dict[str, set[str]] = field(default_factory=dict)
    changed: dict[str, set[str]] = field(default_factory=dict)
    labels: dict[str, set[str]] = field(default_factory=dict)
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    honest_seconds: dict[str, float] = field(default_factory=dict)
    slowest: dict[str, tuple[float, str]] = field(default_factory=dict)
    suspects: dict[str, list[tuple[float, int, Attempt]]] = field(default_factory=dict)
    sample: list[tuple[Attempt, Verdict]] = field(default_factory=list)
    judged_twice: int = 0
    disagreements: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Mutants tried."""
        return self.tried.total()

    def ratio(self) -> float:
        """The slowest attempt against an honest proof of the same target."""
        return max(self.slowest[name][0] / self.honest_seconds[name] for name in self.slowest)


def scenes(targets: Sequence[tuple[str, bool, int]] = TARGETS) -> list[Scene]:
    """The targets, each with honest claims about the other circuits of the list."""
    made = [target(*which) for which in targets]
    found = []
    for each in made:
        others = (x.honest for x in made if x.circuit != each.circuit)
        found.append(Scene(each, tuple(others)))
    return found


def quotas(
    targets: Sequence[tuple[str, bool, int]], total: int
) -> dict[tuple[str, bool, int], int]:
    """How many mutants of each target."""
    weights = {which: SHARES[which[1:]] for which in targets}
    unit = total / sum(weights.values())
    return {which: math.ceil(unit * weight) for which, weight in weights.items()}


def run(
    total: int,
    twice: int,
    targets: Sequence[tuple[str, bool, int]] = TARGETS,
    seed: int = 0,
    judge: Callable[[Claim], Verdict] = rust,
    recompute: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> Tally:
    """Try at least ``total`` mutants, and at least ``twice`` of them with both verifiers.

    Args:
        targets: circuit, hiding, batch.
        judge: the first verifier.
        recompute: whether to try recomputed messages too, which takes seconds for each target.
    """
    tally = Tally()
    places = dict(zip(targets, scenes(targets), strict=True))
    for which, count in quotas(targets, total).items():
        scene = places[which]
        say(f"{scene.target.name}: {count:,} mutants")
        one_target(tally, scene, count, -(-twice // len(targets)), seed, judge, recompute)
    say(f"{len(tally.sample):,} of them again in Python")
    verdicts = judged_in_python([attempt.claim for attempt, _ in tally.sample])
    tally.judged_twice = len(verdicts)
    for (attempt, first), (accepted, crash) in zip(tally.sample, verdicts, strict=True):
        if crash:
            tally.crashes.append(f"Python, {attempt}: {crash}")
        if accepted != first.accepted:
            tally.disagreements.append(str(attempt))
    return tally


def one_target(
    tally: Tally,
    scene: Scene,
    count: int,
    twice: int,
    seed: int,
    judge: Callable[[Claim], Verdict],
    recompute: bool,
) -> None:
    """All mutants of one target, and which of them the second verifier gets."""
    name = scene.target.name
    runs = [judge(scene.honest) for _ in range(HONEST_RUNS)]
    assert all(verdict.accepted for verdict in runs), f"{name}: the honest proof is refused"
    tally.honest_seconds[name] = min(verdict.cpu_seconds for verdict in runs)
    tally.fields[name] = {str(f) for f in scene.fields}
    tally.labels[name] = {f.label for f in scene.fields}
    tally.changed[name], tally.suspects[name] = set(), []
    repaired: Iterator[Attempt] = iter(())
    if recompute:
        repaired = chain(adaptive(scene, seed), frozen(scene, seed))
    kept: Counter[str] = Counter()
    chosen: list[tuple[Attempt, Verdict]] = []
    spare: list[tuple[Attempt, Verdict]] = []
    for attempt, verdict in judged(chain(repaired, attempts(scene, count, seed)), judge):
        count_one(tally, attempt, verdict, attempt.claim.table == scene.honest.table)
        # as many of each way as of any other; the order of the attempts is random
        kept[attempt.way.name] += 1
        if len(chosen) < twice and kept[attempt.way.name] <= max(1, -(-twice // 100)):
            chosen.append((attempt, verdict))
        elif len(spare) < twice:
            spare.append((attempt, verdict))
    tally.sample += (chosen + spare)[:twice]
    measured = [(alone(a.claim, judge), str(a)) for _, _, a in tally.suspects[name]]
    tally.slowest[name] = max(measured, default=(0.0, ""))


def count_one(tally: Tally, attempt: Attempt, verdict: Verdict, same_key: bool) -> None:
    """One attempt into the books."""
    tally.tried[attempt.way.group, attempt.way.name] += 1
    tally.by_target[attempt.target] += 1
    tally.changed[attempt.target].add(str(attempt.field))
    if verdict.accepted:
        tally.accepted.append(str(attempt))
    if verdict.crash:
        tally.crashes.append(f"Rust, {attempt}: {verdict.crash}")
    if verdict.wall_seconds > HANG_SECONDS:
        tally.hangs.append(f"{attempt}: {verdict.wall_seconds:.1f} s")
    if same_key:  # another key is another circuit, with a time of its own
        suspects = tally.suspects[attempt.target]
        heapq.heappush(suspects, (verdict.wall_seconds, tally.total, attempt))
        if len(suspects) > SUSPECTS:
            heapq.heappop(suspects)


def missed(tally: Tally) -> dict[str, set[str]]:
    """Fields of each target that no attempt changed."""
    return {
        name: fields - tally.changed[name]
        for name, fields in tally.fields.items()
        if fields - tally.changed[name]
    }
