"""Figures of many trials, and the table of ``docs/files.md``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.files.trial import STAGES, Trial

PAGE: Final = Path(__file__).parents[2] / "docs" / "files.md"
#: Between these the page is written anew.
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
VERDICTS: Final = ("matches", "wrong", "refused", "limit", "fails")


def reached(trials: Sequence[Trial], stage: str) -> int:
    """How many trials finished a stage."""
    place = STAGES.index(stage)
    return sum(t.verdict == "matches" or STAGES.index(t.stage) > place for t in trials)


def rows(trials: Sequence[Trial]) -> list[list[str]]:
    """A row for each group, and one for all; without what onnxruntime does not run."""
    run = [trial for trial in trials if trial.verdict != "not run"]
    groups = list(dict.fromkeys(trial.group for trial in run))
    found = []
    for title, chosen in [*((g, [t for t in run if t.group == g]) for g in groups), ("all", run)]:
        counts = Counter(trial.verdict for trial in chosen)
        found.append(
            [
                title,
                str(len(chosen)),
                *(str(reached(chosen, stage)) for stage in ("load", "compile", "verify")),
                *(str(counts[verdict]) for verdict in VERDICTS),
            ]
        )
    return found


def table(trials: Sequence[Trial]) -> str:
    """The figures in Markdown."""
    head = ["files", "run by onnxruntime", "load", "compile", "prove and verify", *VERDICTS]
    lines = [head, ["---"] * len(head), *rows(trials)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def reasons(trials: Sequence[Trial]) -> list[str]:
    """A line for each file that does not match."""
    return [
        f"{trial.verdict}: {trial.name} ({trial.group}), {trial.stage}: {trial.reason}"
        for trial in trials
        if trial.verdict != "matches"
    ]


def write(trials: Sequence[Trial], facts: str) -> None:
    """Put figures and refusals into the page."""
    run = [trial for trial in trials if trial.verdict != "not run"]
    matching = sum(trial.verdict == "matches" for trial in run)
    asked = sum(trial.asked for trial in run)
    lines = [
        f"{len(run)} files that onnxruntime runs; {matching} match ({100 * matching / len(run):.1f}"
        f" %). {asked} leave a length open that is not the batch, or have an input that chooses "
        f"branches, and were given it. {facts}",
        "",
        table(trials),
        "",
        "What does not match:",
        "",
        "| file | stage | verdict | reason |",
        "| --- | --- | --- | --- |",
    ]
    for trial in run:
        if trial.verdict != "matches":
            cells = (trial.name, trial.stage, trial.verdict, _cell(trial.reason))
            lines.append(f"| {' | '.join(cells)} |")
    text = PAGE.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{after}")


def _cell(reason: str) -> str:
    """A reason without paths, on one line."""
    short = re.sub(r"\s+", " ", re.sub(r"(/[\w.+-]+){2,}", "...", reason))
    short = short if len(short) <= 220 else f"{short[:217]}..."
    return short.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
