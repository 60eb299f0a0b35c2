"""Builds the fuzz targets, runs them, and adds what came of it to ``figures.json``.

    python circuits/fuzz/run.py [--seconds 60] [target ...]

Needs ``cargo install cargo-fuzz``; a stable toolchain will do. New inputs are kept under
``target/corpus``; of those that reach new code, small ones are merged into ``corpus`` with
``--merge``. What a target refuses lies in ``artifacts/<target>``: fix it, and add it to its corpus.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Inputs of one target that are committed at most, the seeds not counted, and their largest size.
MOST, LARGEST = 12, 4096


def main() -> int:
    """Runs what was asked for; 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--merge", action="store_true", help="keep small inputs that reach more")
    parser.add_argument("targets", nargs="*", help="default: all")
    arguments = parser.parse_args()
    every = sorted(path.stem for path in (HERE / "fuzz_targets").glob("*.rs"))
    chosen = arguments.targets or every
    # no sanitizer: the code has no `unsafe`, and runs twice as fast without
    subprocess.run(["cargo", "fuzz", "build", "-s", "none"], cwd=HERE, check=True)
    file = HERE / "figures.json"
    figures = json.loads(file.read_text()) if file.exists() else {}
    found = 0
    for name in chosen:
        before, now = figures.get(name, {}), run(name, arguments.seconds)
        found += now["crashes"]
        for count in ("executions", "crashes", "seconds"):
            now[count] += before.get(count, 0)  # of all runs; edges and corpus are the last one's
        if arguments.merge:
            merge(name)
        figures[name] = now | {"corpus": len(list((HERE / "corpus" / name).iterdir()))}
        print(name, figures[name], flush=True)
        kept = {target: figures[target] for target in every if target in figures}
        file.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
    return 1 if found else 0


def binary(name: str) -> list[str]:
    """The built target."""
    (found,) = (HERE / "target").glob(f"*/release/{name}")
    return [str(found)]


def run(name: str, seconds: int) -> dict[str, int]:
    """One target for so many seconds; executions, findings, and edges of code reached."""
    grown, artifacts = HERE / "target" / "corpus" / name, HERE / "artifacts" / name
    for folder in (grown, artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(artifacts.iterdir())
    options = ["-timeout=20", "-rss_limit_mb=2048", "-max_len=8192", "-print_final_stats=1"]
    options += [f"-max_total_time={seconds}", f"-artifact_prefix={artifacts}/"]
    folders = [str(grown), str(HERE / "corpus" / name)]
    ran = subprocess.run(
        [*binary(name), *folders, *options],
        env=os.environ | {"RAYON_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    if ran.returncode:
        print(ran.stderr[-2000:], file=sys.stderr)
    elapsed = re.findall(r"Done \d+ runs in (\d+) second", ran.stderr)
    crashes = len(set(artifacts.iterdir()) - before)
    return {
        "executions": int(re.findall(r"number_of_executed_units: (\d+)", ran.stderr)[-1]),
        "crashes": max(crashes, int(ran.returncode != 0)),
        "seconds": int(elapsed[-1]) if elapsed else 0,
        "edges": max(map(int, re.findall(r"cov: (\d+)", ran.stderr)), default=0),
    }


def merge(name: str) -> None:
    """Adds the smallest grown inputs that reach code which the committed ones do not."""
    corpus, fresh = HERE / "corpus" / name, HERE / "target" / "merged" / name
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(corpus, fresh)
    grown = HERE / "target" / "corpus" / name
    command = [*binary(name), "-merge=1", f"-max_len={LARGEST}", str(fresh), str(grown)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    new = sorted(
        (path for path in fresh.iterdir() if not (corpus / path.name).exists()),
        key=lambda path: (path.stat().st_size, path.name),
    )
    room = MOST - sum(not path.name.startswith("seed-") for path in corpus.iterdir())
    # from the whole range of sizes, not only the smallest
    step = max(1, len(new) // max(room, 1))
    for path in new[::step][: max(room, 0)]:
        shutil.copy(path, corpus / path.name)


if __name__ == "__main__":
    sys.exit(main())
