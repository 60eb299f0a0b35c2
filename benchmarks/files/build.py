"""Entries -> files: all of a package's in one process, since importing it takes longest."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.files.catalog import entries

#: Seconds that one file may take to be built.
SECONDS: Final = 600


def build(source: str, names: Sequence[str], folder: Path) -> None:
    """Build entries of one source in a process of its own; what fails says why in ``error.txt``."""
    words = [sys.executable, "-m", "benchmarks.files.build", source, str(folder)]
    said = folder / f"{source}.log"
    with said.open("wb") as log:
        subprocess.run([*words, json.dumps(list(names))], stdout=log, stderr=log, check=False)


def _stop(*_: Any) -> None:
    raise TimeoutError(f"not built within {SECONDS} s")


def main(source: str, folder: Path, names: Sequence[str]) -> None:
    """What the process does."""
    signal.signal(signal.SIGALRM, _stop)
    for entry in entries(source):
        target = folder / entry.name
        if entry.name not in names or (target / "samples.npz").exists():
            continue
        target.mkdir(parents=True, exist_ok=True)
        signal.alarm(SECONDS)
        try:
            entry.build(target)
        except Exception as error:  # whatever an exporter raises
            (target / "error.txt").write_text(f"{type(error).__name__}: {error}"[:500])
        finally:
            signal.alarm(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]))
