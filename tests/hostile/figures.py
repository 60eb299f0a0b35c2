"""The figures of ``docs/security.md``: ``python -m tests.hostile.figures --write``.

Without ``--write`` they are printed. A full run takes about ten minutes on two cores; ``--audits``
measures only the audits, and leaves the others as they were recorded.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from typing import Any, Final

from benchmarks.machine import machine
from tests.hostile import audits, counts
from tests.hostile.bundles import accepted, bundles
from tests.hostile.judge import alone, python_verdict, rust
from tests.hostile.oversized import oversized
from tests.hostile.page import FIGURES, PAGE, page
from tests.hostile.recomputed import ADAPTIVE, FROZEN
from tests.hostile.suite import Tally, run
from tests.hostile.targets import CIRCUITS, TARGETS, target
from verifai.verifier.native.verify import VERSION

#: What a release reports at least.
MUTANTS: Final = 100_000
TWICE: Final = 2_000
SEED: Final = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {FIGURES.name} and {PAGE}")
    parser.add_argument("--mutants", type=int, default=MUTANTS)
    parser.add_argument("--twice", type=int, default=TWICE, help="judged by Python as well")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--audits", action="store_true", help="only what audits make of lies")
    arguments = parser.parse_args()
    if arguments.audits:
        found = json.loads(FIGURES.read_text(encoding="utf-8")) | {"audits": audits.figures()}
    else:
        found = figures(arguments.mutants, arguments.twice, arguments.seed)
    text = json.dumps(found, indent=1, sort_keys=True) + "\n"
    if arguments.write:
        FIGURES.write_text(text, encoding="utf-8")
        PAGE.write_text(page(json.loads(text)), encoding="utf-8")
    print(text)


def say(text: str) -> None:
    print(text, flush=True)


def figures(mutants: int, twice: int, seed: int) -> dict[str, Any]:
    """Run everything."""
    os.environ.setdefault("VERIFAI_PROGRESS", "0")
    tally = run(mutants, twice, seed=seed, say=say)
    say("bundles")
    circuits = list(CIRCUITS)
    told = [
        accepted(bundle)
        for circuit, stranger in zip(circuits, circuits[1:] + circuits[:1], strict=True)
        for bundle in bundles(circuit, stranger).values()
    ]
    say("sizes")
    sizes = oversize(*TARGETS[0])
    say("audits")
    audited = audits.figures()
    say("constraints, claims")
    return {
        "seed": seed,
        "system": VERSION,
        "machine": machine(),
        "mutants": mutation(tally),
        "circuits": by_circuit(tally),
        "bundles": {"tried": len(told), "accepted": sum(told)},
        "sizes": sizes,
        "audits": audited,
        "operations": counts.operations(),
        "constraints": counts.constraints(),
        "verifier": counts.claims(),
        "fuzzing": counts.fuzzing(),
    }


def mutation(tally: Tally) -> dict[str, Any]:
    """Counts over all targets."""
    groups: dict[str, Counter[str]] = {}
    for (group, way), count in tally.tried.items():
        groups.setdefault(group, Counter())[way] += count
    recomputed = {way.name for way in (*ADAPTIVE, FROZEN)}
    return {
        "tried": tally.total,
        "accepted": len(tally.accepted),
        "crashes": len(tally.crashes),
        "hangs": len(tally.hangs),
        "judged_twice": tally.judged_twice,
        "disagreements": len(tally.disagreements),
        "recomputed": sum(n for (_, way), n in tally.tried.items() if way in recomputed),
        "ways": {group: dict(sorted(ways.items())) for group, ways in sorted(groups.items())},
        "details": [*tally.accepted, *tally.crashes, *tally.hangs, *tally.disagreements],
    }


def by_circuit(tally: Tally) -> dict[str, Any]:
    """Counts, fields and times for each target."""
    found = {}
    for circuit, hiding, batch in TARGETS:
        made = target(circuit, hiding, batch)
        slowest, what = tally.slowest[made.name]
        found[made.name] = {
            "circuit": circuit,
            "hiding": hiding,
            "batch": batch,
            "proof_bytes": len(made.honest.proof),
            "tried": tally.by_target[made.name],
            "accepted": sum(text.startswith(f"{made.name}: ") for text in tally.accepted),
            "fields": len(tally.fields[made.name]),
            "fields_changed": len(tally.changed[made.name]),
            "labels": len(tally.labels[made.name]),
            "honest_ms": round(1000 * tally.honest_seconds[made.name], 2),
            "slowest_ms": round(1000 * slowest, 2),
            "slowest": what,
        }
    return found


def oversize(circuit: str, hiding: bool, batch: int) -> dict[str, Any]:
    """How long the Rust verifier takes to refuse what is too large, against an honest proof."""
    honest = target(circuit, hiding, batch).honest
    normal = alone(honest, runs=9)
    found = {name: rust(claim) for name, claim in oversized(honest).items()}
    small = {n: c for n, c in oversized(honest).items() if "100 MiB" not in n}
    assert not any(python_verdict(claim)[0] for claim in small.values())
    seconds = {name: alone(claim) for name, claim in oversized(honest).items()}
    slowest = max(seconds, key=lambda name: seconds[name])
    return {
        "tried": len(found),
        "accepted": sum(verdict.accepted for verdict in found.values()),
        "crashes": sum(verdict.crash is not None for verdict in found.values()),
        "honest_ms": round(1000 * normal, 2),
        "slowest_ms": round(1000 * seconds[slowest], 2),
        "slowest": slowest,
    }


if __name__ == "__main__":
    main()
