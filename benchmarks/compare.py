"""Backends side by side: ``python -m benchmarks.compare --models digits,mlp --json FILE``.

Each (model, backend) pair runs in a process of its own, so that one's memory is not another's.
Times are wall seconds; memory is the peak of the largest process, the backend's workers included.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BACKENDS = ("ezkl",)


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result of one call."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def measure(model_name: str, backend: str, proofs: int) -> dict[str, Any]:
    """All figures of one model on one backend, in this process."""
    import numpy as np

    import verifai
    from benchmarks.models import build

    module, batch = build(model_name)
    model = verifai.export(module, (batch[0],))
    compile_seconds, circuit = timed(
        lambda: verifai.compile(model, batch, backend=backend, progress=False)
    )
    setup_seconds, (pk, vk) = timed(lambda: verifai.setup(circuit, progress=False))
    runs = [timed(lambda: verifai.prove(pk, batch[0], progress=False)) for _ in range(proofs)]
    proof = runs[-1][1]
    checks = [timed(lambda: verifai.verify(proof, vk))[0] for _ in range(5)]
    found = proof.statement.output.values
    wanted = model.run(batch[0])[0]
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "model": model_name,
        "backend": backend,
        "weights": sum(parameter.numel() for parameter in module.parameters()),
        "compile_seconds": compile_seconds,
        "setup_seconds": setup_seconds,
        "prove_seconds": statistics.median(seconds for seconds, _ in runs),
        "prove_runs": proofs,
        "verify_seconds": statistics.median(checks),
        "proof_bytes": len(proof.argument),
        "bundle_bytes": len(proof.to_bytes()),
        "proving_key_bytes": len(pk.material),
        "verifying_key_bytes": len(vk.to_bytes()),
        "peak_memory_mib": max(own, children) / 1024,
        "largest_error": float(np.abs(found - wanted).max()),
        "output_range": float(wanted.max() - wanted.min()),
        "same_top_1": bool(found.argmax() == wanted.argmax()),
        "facts": dict(circuit.facts),
    }


def processor() -> str:
    """The processor's name, to stand beside every figure."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main() -> None:
    """Run the pairs one after another and print a table."""
    from benchmarks.models import MODELS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="digits,mlp", help=f"of {','.join(MODELS)}")
    parser.add_argument("--backends", default=",".join(BACKENDS))
    parser.add_argument("--proofs", type=int, default=3, help="proofs per pair; the median counts")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--pair", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.pair:
        print(json.dumps(measure(*arguments.pair, arguments.proofs)))
        return
    rows = []
    print(f"{processor()}, {platform.machine()}, python {platform.python_version()}")
    for model in arguments.models.split(","):
        for backend in arguments.backends.split(","):
            command = [sys.executable, "-m", "benchmarks.compare", "--pair", model, backend]
            command += ["--proofs", str(arguments.proofs)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            row = json.loads(done.stdout.splitlines()[-1])
            rows.append(row)
            print(
                f"{model:8} {backend:8} setup {row['setup_seconds']:7.2f} s  "
                f"prove {row['prove_seconds']:7.2f} s  verify {row['verify_seconds']:6.3f} s  "
                f"{row['peak_memory_mib']:7.0f} MiB  proof {row['proof_bytes']} B  "
                f"key {row['proving_key_bytes'] / 2**20:.0f} MiB  "
                f"error {row['largest_error']:.2g} of {row['output_range']:.2g}"
            )
    if arguments.json:
        machine = {"processor": processor(), "python": platform.python_version()}
        arguments.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
