"""What hiding costs: ``python -m benchmarks.masks [--model lenet] [--proofs 15]``.

Proofs with and without masks are made in turns, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import verifai
from benchmarks.machine import machine
from benchmarks.models import MODELS


def measure(model: str, proofs: int) -> dict[str, object]:
    """Seconds (median) and bytes of a proof with masks and without, and both ratios."""
    workload = MODELS[model]()
    exported = workload.exported()
    keys = {}
    for hides in (True, False):
        circuit = verifai.compile(
            exported,
            workload.calibration,
            options=verifai.NativeOptions(zero_knowledge=hides),
            progress=False,
        )
        keys[hides] = verifai.setup(circuit, progress=False)[0]
    seconds: dict[bool, list[float]] = {True: [], False: []}
    size = {}
    for number in range(proofs + 1):  # the first one of each warms up
        for hides, key in keys.items():
            start = time.perf_counter()
            proof = verifai.prove(key, workload.held_out[0], progress=False)
            if number:
                seconds[hides].append(time.perf_counter() - start)
            size[hides] = len(proof.argument)
    median = {hides: statistics.median(all_) for hides, all_ in seconds.items()}
    return {
        "model": model,
        "proofs": proofs,
        "seconds": {"hiding": median[True], "plain": median[False]},
        "seconds_ratio": median[True] / median[False],
        "bytes": {"hiding": size[True], "plain": size[False]},
        "bytes_ratio": size[True] / size[False],
        "machine": machine(),
    }


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.masks", description=__doc__)
    parser.add_argument("--model", default="lenet", choices=sorted(MODELS))
    parser.add_argument("--proofs", type=int, default=15)
    options = parser.parse_args()
    print(json.dumps(measure(options.model, options.proofs), indent=1))


if __name__ == "__main__":
    main()
