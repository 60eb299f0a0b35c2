"""``docs/security.md`` from the recorded figures. Nobody edits that page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verifai.verifier.native.verify import VERSION

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "security-figures.json"
PAGE = ROOT / "docs" / "security.md"

#: Circuits in words.
CIRCUITS = {
    "digits": "the demo's trained CNN for 8x8 digits",
    "lenet": "trained LeNet-5 for 28x28 images",
    "operators": (
        "a network of padded and grouped convolutions, max and average pooling, GELU, sigmoid and "
        "tanh tables, a residual, a concatenation and a product of two activations"
    ),
}
#: Groups of ways in words, in the order of the page.
GROUPS = {
    "another value": "an element replaced: bits flipped, other numbers and points, encodings that "
    "are not canonical, points off the curve",
    "order and length": "elements exchanged, moved, doubled, left out; cut and lengthened at every "
    "element",
    "whole messages": "messages zeroed, reordered, doubled, left out; rounds exchanged",
    "spliced with: same statement": "parts of another proof of the same statement",
    "spliced with: other input": "parts of a proof about another input",
    "spliced with: other model": "parts of a proof of a model with one other weight",
    "spliced with: other context": "parts of a proof for another job",
    "spliced with: other batch": "parts of a proof of a larger batch",
    "replay": "another chain, job or nonce",
    "wrong statement": "words, batch, context or proof of another honest claim",
    "wrong batch": "another number of inferences, up to 2^63",
    "wrong circuit or key": "the table changed, another circuit's key, another reference string",
    "recomputed messages": "a field changed and later messages recomputed such that the next check "
    "holds; or such that all checks hold under the challenges of the honest proof",
}


def table(head: list[str], rows: list[list[Any]]) -> list[str]:
    """A table in Markdown; numbers to the right, with separators of thousands."""

    def shown(cell: Any) -> str:
        return f"{cell:,}" if isinstance(cell, int) else str(cell)

    right = [all(isinstance(row[i], int | float) for row in rows) for i in range(len(head))]
    rule = ["---:" if numbers else "---" for numbers in right]
    lines = [head, rule, *[[shown(cell) for cell in row] for row in rows]]
    return ["| " + " | ".join(line) + " |" for line in lines]


def page(f: dict[str, Any]) -> str:
    """The page."""
    parts = [*introduction(f), *attempts(f), *other_suites(f), *audits(f), *limits(f)]
    return "\n".join(parts) + "\n"


def introduction(f: dict[str, Any]) -> list[str]:
    m, rows = f["mutants"], list(f["circuits"].values())
    changed, fields = (sum(row[key] for row in rows) for key in ("fields_changed", "fields"))
    share = "every one was" if changed == fields else f"{changed:,} were"
    ratio = max(row["slowest_ms"] / row["honest_ms"] for row in rows)
    return [
        "# Attempts to break it",
        "",
        "This page is generated from `security-figures.json`, which "
        "`python -m tests.hostile.figures --write` records. What is trusted, and how to report a "
        "hole, is in `SECURITY.md`; the proof system is in [the protocol](protocol.md), its "
        'soundness error under "Soundness" there.',
        "",
        f"Honest proofs were damaged or misused, {m['tried']:,} times and each time differently, "
        f"and given to the verifier. It accepted {m['accepted']:,}, crashed on {m['crashes']:,} "
        f"and hung on {m['hangs']:,}. "
        f"A second verifier, written in another language, judged {m['judged_twice']:,} of them "
        f"and disagreed on {m['disagreements']:,}.",
        "",
        f"- The fields of a proof, its statement and its key are read off the Python verifier. "
        f"Of {fields:,} fields of {len(rows)} proofs, {share} changed.",
        f"- The slowest refusal of a damaged proof took {ratio:.1f} times an honest verification "
        "of the same circuit (processor time, Rust).",
        f"- Of {f['bundles']['tried']:,} bundles with false statements, keys, scales or contexts, "
        f"`verifai.verify` accepted {f['bundles']['accepted']:,}.",
        f"- {f['sizes']['tried']} inputs of absurd size, up to 100 MiB or 2^63 inferences: "
        f"{f['sizes']['accepted']} accepted; the slowest was refused after "
        f"{f['sizes']['slowest_ms']} ms ({f['sizes']['slowest']}), an honest proof takes "
        f"{f['sizes']['honest_ms']} ms.",
        "",
    ]


def attempts(f: dict[str, Any]) -> list[str]:
    m = f["mutants"]
    head = ["proof", "bytes", "fields", "changed", "tried", "accepted", "honest ms", "slowest ms"]
    keys = ("proof_bytes", "fields", "fields_changed", "tried", "accepted")
    times = ("honest_ms", "slowest_ms")
    rows = [[name, *(row[key] for key in (*keys, *times))] for name, row in f["circuits"].items()]
    ways = [
        [GROUPS[group], len(m["ways"][group]), sum(m["ways"][group].values())]
        for group in GROUPS
        if group in m["ways"]
    ]
    described = "; ".join(f"*{name}* is {text}" for name, text in CIRCUITS.items())
    return [
        "## Damaged proofs",
        "",
        f"{described}. Proofs hide unless it says otherwise.",
        "",
        *table(head, rows),
        "",
        "What was done to them:",
        "",
        *table(["how", "ways", "tried"], ways),
        "",
        f"{m['recomputed']} of these repair what they break. A verifier that lacks the pairing "
        "check accepts those whose other checks were made to hold, and a verifier whose "
        "challenges do not depend on the proof accepts the others: tests run both, so that the "
        "suite is known to be able to fail.",
        "",
    ]


def other_suites(f: dict[str, Any]) -> list[str]:
    c, v, o, z = f["constraints"], f["verifier"], f["operations"], f["fuzzing"]
    fuzz = "not run"
    if z is not None:
        fuzz = f"{z['executions']:,} executions of {z['targets']} targets, {z['crashes']:,} crashes"
    claims = f"{v['claims_noticed']} of {v['claims']} noticed"
    rows = [
        [
            "constraints removed from a circuit, one at a time",
            f"{c['removed']} in {c['circuits']} circuits: a false witness is then proved for "
            f"{c['noticed']}; {c['redundant']} follow from the others",
        ],
        ["claims left out of the verifier, one at a time", f"{claims}, by a false proof"],
        [
            "checks left out of the verifier",
            f"{v['checks_noticed']} of {v['checks']} noticed, by a false proof",
        ],
        [
            "operations with a lying witness",
            f"{len(set(o['lied_about']) & set(o['committed']))} of {len(o['committed'])} whose "
            f"values a prover commits to ({', '.join(o['committed'])}): {o['lies']} lies proved "
            f"and refused, {o['witness_tests']} tests of the constraint that refuses",
        ],
        ["fuzzing of the Rust core", fuzz],
    ]
    return ["## False witnesses, broken verifiers", "", *table(["what", "figure"], rows), ""]


def audits(f: dict[str, Any]) -> list[str]:
    a = f["audits"]
    rows = [[f"`{method}`", count] for method, count in a["lies"].items()]
    return [
        "## Audits",
        "",
        f"Strangers tried to have {a['combinations']:,} records written: through routers, systems "
        "and verifiers of this package and of their own, about the key's circuit, another key's, "
        "one that claims the key's digest and one that nobody knows, with true and false proofs. "
        f"The chain took {a['recorded']:,}; {a['verified']:,} of them are true records of the key, "
        f"and an audit verified exactly those ({a['wrong']:,} exceptions).",
        "",
        f"Nodes told {sum(a['lies'].values()):,} lies about three honest records, one each: "
        "another answer, field or word, nothing, or nonsense, every time or at one time only. "
        f"{a['believed']:,} of them made an audit show something false as verified or something "
        "honest as false, lose a record without an error, or end without a report.",
        "",
        *table(["answer of", "lies"], rows),
        "",
    ]


def stale(f: dict[str, Any]) -> list[str]:
    """Whether the proof system has changed since its figures were recorded."""
    if f["system"] == VERSION:
        return []
    return [
        f"- All but the audits were recorded with version {f['system']} of the proof system, and "
        f"not yet again with version {VERSION}. The tests run smaller samples of them on every "
        "change."
    ]


def limits(f: dict[str, Any]) -> list[str]:
    m = f["machine"]
    return [
        "## What these figures do not show",
        "",
        *stale(f),
        "- A forger is cleverer than chance. That no random mutant passes says that every byte is "
        "looked at and bound; it says nothing about an attack that nobody has thought of.",
        "- Both verifiers implement one protocol: an error of the protocol is one of both. Its "
        "soundness is argued in [the protocol](protocol.md), and no external audit took place.",
        "- They are about false proofs, not about what a proof reveals. That is `tests/hiding`: "
        "each mask of a proof, left out or repeated, is noticed there by an attack or a "
        "statistical test. No test shows that nothing else leaks.",
        "- The reference string of these proofs is the development one. Whoever knows tau can "
        "forge, and for that string everyone does.",
        "- Times are of one machine under whatever else it did.",
        "",
        f"Measured on {m['processor']}, {m['cores']} cores, Python {m['python']}, seed "
        f"{f['seed']}. Which elements and bits are changed follows from the seed; the proofs "
        "themselves hide, and are new at every run.",
    ]
