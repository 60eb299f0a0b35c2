"""``python -m benchmarks.files``: build the set, try every file, print and write the table."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from benchmarks.files.build import build
from benchmarks.files.catalog import SOURCES, entries
from benchmarks.files.report import reasons, table, write
from benchmarks.files.trial import Trial, plain, tried


def main() -> None:
    parser = argparse.ArgumentParser(description="Public ONNX files, tried as they come.")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="names and groups with this text"
    )
    parser.add_argument("--source", action="append", choices=tuple(SOURCES), help="repeatable")
    parser.add_argument("--limit", type=int, metavar="N", help="no more than N files of a source")
    parser.add_argument("--seconds", type=float, default=300, help="limit for one file")
    parser.add_argument("--memory", type=float, default=3, help="limit for one file, in GiB")
    parser.add_argument("--folder", metavar="FOLDER", help="where files are built, and are found")
    parser.add_argument("--build", action="store_true", help="build, and try nothing")
    parser.add_argument("--json", metavar="FILE", help="every trial; those in it are not repeated")
    parser.add_argument("--write", action="store_true", help="write the figures to docs/files.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        _run(arguments, Path(arguments.folder or scratch))


def _run(arguments: argparse.Namespace, folder: Path) -> None:
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    known = _known(arguments.json)
    trials: list[Trial] = []
    for source in arguments.source or SOURCES:
        listed = entries(source)
        if not listed:
            print(f"{source}: a package is missing ({', '.join(SOURCES[source])})", flush=True)
        chosen = [e for e in listed if arguments.only in f"{e.name} {e.group}"][: arguments.limit]
        missing = [e.name for e in chosen if not (folder / e.name / "samples.npz").exists()]
        if missing:
            build(source, missing, folder)
        for entry in [] if arguments.build else chosen:
            trial = known.get(entry.name)
            if trial is None:
                trial = _try(entry.name, entry.group, folder, arguments)
                print(f"{trial.verdict:8} {trial.stage:11} {trial.name}  {trial.reason[:150]}",
                      flush=True)  # fmt: skip
            trials.append(trial)
            if arguments.json:
                Path(arguments.json).write_text(json.dumps([*map(plain, trials)], indent=1))
    if not trials:
        return
    print("\n".join(["", *reasons(trials), "", table(trials)]))
    if arguments.write:
        minutes = (time.monotonic() - started) / 60
        write(trials, f"The run took {minutes:.0f} minutes." if not known else "")


def _try(name: str, group: str, folder: Path, arguments: argparse.Namespace) -> Trial:
    place = folder / name
    if not (place / "samples.npz").exists():
        error = place / "error.txt"
        reason = error.read_text() if error.exists() else "the process died"
        return Trial(name, group, "not run", reason=f"not built: {reason}")
    return tried(name, group, place, arguments.seconds, int(arguments.memory * 2**30))


def _known(path: str | None) -> dict[str, Trial]:
    if path is None or not Path(path).exists():
        return {}
    return {one["name"]: Trial(**one) for one in json.loads(Path(path).read_text())}


if __name__ == "__main__":
    main()
