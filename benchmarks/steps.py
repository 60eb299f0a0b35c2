"""The steps of one measurement, each run as a process of its own: ``python -m benchmarks.steps``.

A step reads and writes files in a folder and prints its figures as one line of JSON. Proving thus
happens in a process that has neither trained nor compiled anything, as in production, and its
peak memory is what proving takes.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

import verifai
from verifai import backends
from verifai.backends.options import OPTIONS

#: Verifications that are timed: they are cheap.
VERIFICATIONS: Final = 5
#: Inputs of one fidelity call; all of them at once would take memory for nothing.
FIDELITY_CHUNK: Final = 32
#: ezkl starts a process for each witness; errors are compared on these first inputs.
COMPARED_INPUTS: Final = 16


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result of one call."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def spread(seconds: list[float], name: str) -> dict[str, Any]:
    """Median, best and number of some runs, as fields of a row."""
    return {
        f"{name}_seconds": statistics.median(seconds),
        f"{name}_seconds_best": min(seconds),
        f"{name}_runs": len(seconds),
    }


def cpu_seconds() -> float:
    """Processor time of this process and of the workers that ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def peak_mib() -> float:
    """The peak of the largest process so far: this one, or a worker of the backend.

    This process's own is read from /proc, where there is one: on Linux ``ru_maxrss`` starts with
    the memory of whoever started the process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = status.read_text().partition("VmHWM:")[2].split()
        own = int(found[0])
    else:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) / 1024


def export(folder: Path, model: str) -> dict[str, Any]:
    """Module -> ONNX file and inputs."""
    from benchmarks.models import MODELS, weights

    if model not in MODELS:
        raise SystemExit(f"Unknown model {model!r}; there are {', '.join(MODELS)}.")
    work = MODELS[model]()
    exported = work.exported()
    exported.save(folder / "model.onnx")
    np.save(folder / "calibration.npy", work.calibration)
    np.save(folder / "held_out.npy", work.held_out)
    return {"weights": weights(work.module), "onnx_bytes": len(exported.onnx)}


def setup(folder: Path, backend: str) -> dict[str, Any]:
    """ONNX file -> key pair."""
    model = verifai.load(folder / "model.onnx")
    calibration = np.load(folder / "calibration.npy")
    compile_seconds, circuit = timed(
        lambda: verifai.compile(model, calibration, options=OPTIONS[backend](), progress=False)
    )
    setup_seconds, (pk, vk) = timed(lambda: verifai.setup(circuit, progress=False))
    proving, verifying = pk.save(folder / "key.vfp"), vk.save(folder / "key.vfk")
    return {
        "compile_seconds": compile_seconds,
        "setup_seconds": setup_seconds,
        "setup_memory_mib": peak_mib(),
        "proving_key_bytes": proving.stat().st_size,
        "verifying_key_bytes": verifying.stat().st_size,
        "bits": bits(circuit),
        "facts": dict(circuit.facts),
    }


def bits(circuit: verifai.Circuit) -> dict[str, Any]:
    """What numbers were rounded to: log2 of the units of inputs and outputs, and the widths."""
    found: dict[str, Any] = {
        "inputs": [spec.scale for spec in circuit.inputs],
        "outputs": [spec.scale for spec in circuit.outputs],
    }
    if circuit.backend == "native":
        from verifai.graph import Options

        options = Options()
        found |= {"activations": options.activation_bits, "weights": options.weight_bits}
    return found


def prove(folder: Path, proofs: int, batch: int) -> dict[str, Any]:
    """Key and input -> proofs, each checked twice over."""
    pk = verifai.ProvingKey.load(folder / "key.vfp")
    vk = verifai.VerifyingKey.load(folder / "key.vfk")
    held_out = np.load(folder / "held_out.npy")
    inputs = held_out[0] if batch == 1 else np.resize(held_out, (batch, *held_out.shape[1:]))
    native = pk.circuit.backend == "native"
    # The first proof of a process also loads the key; a second native one makes tables that later
    # ones use.

    def one() -> verifai.Proof:
        return verifai.prove(pk, inputs, batch=batch > 1, progress=False)

    first_seconds, _ = timed(one)
    if native:
        one()
    runs, proof, spent = [], None, cpu_seconds()
    for _ in range(proofs):
        seconds, proof = timed(one)
        runs.append(seconds)
    assert proof is not None
    cores, memory = (cpu_seconds() - spent) / sum(runs), peak_mib()
    checks = [timed(lambda: verifai.verify(proof, vk))[0] for _ in range(VERIFICATIONS)]
    row = {
        "batch": batch,
        "first_proof_seconds": first_seconds,
        **spread(runs, "prove"),
        "prove_cores": cores,
        **spread(_witness_seconds(pk, inputs, batch > 1), "witness"),
        **spread(checks, "verify"),
        "proof_bytes": len(proof.argument),
        "bundle_bytes": len(proof.to_bytes()),
        "peak_memory_mib": memory,
    }
    return row | (spread(_rust_verify_seconds(proof, vk), "verify_rust") if native else {})


def _witness_seconds(pk: verifai.ProvingKey, inputs: Any, several: bool) -> list[float]:
    """All values of the circuit on an input, without a proof."""
    if pk.circuit.backend == "ezkl":
        return [timed(lambda: backends.get("ezkl").outputs(pk, inputs, False))[0]]
    from benchmarks.profile import committed

    return [timed(lambda: committed(pk, inputs, several))[0] for _ in range(3)]


def _rust_verify_seconds(proof: verifai.Proof, vk: verifai.VerifyingKey) -> list[float]:
    """The verifier that provers check themselves with."""
    from verifai.circuit.core import core
    from verifai.verifier.native.check import context_bytes, words_of

    header, material = vk.header_digest, list(map(bytes, vk.material))
    words = b"".join(word.to_bytes(32, "big") for word in words_of(vk, proof.statement))
    batch, context = proof.statement.batch(vk) or 1, context_bytes(None)
    check = core().native_verify
    return [
        timed(lambda: check(header, *material, batch, context, words, proof.argument))[0]
        for _ in range(VERIFICATIONS)
    ]


def fidelity(folder: Path) -> dict[str, Any]:
    """Circuit against float model, on inputs that calibration did not see."""
    pk = verifai.ProvingKey.load(folder / "key.vfp")
    model = verifai.load(folder / "model.onnx")
    held_out = np.load(folder / "held_out.npy")
    if pk.circuit.backend == "ezkl":
        held_out = held_out[:COMPARED_INPUTS]
    made = np.concatenate(list(_outputs(pk, held_out)))
    real = np.stack([np.ravel(model.run(inputs)[0]) for inputs in held_out])
    errors = np.abs(made - real)
    error = float(errors.max())
    unit = 2.0 ** -pk.circuit.outputs[0].scale
    span = float(real.max() - real.min())
    return {
        "fidelity_inputs": len(held_out),
        "compared_error": float(errors[:COMPARED_INPUTS].max()),
        "largest_error": error,
        "output_range": span,
        "relative_error": error / span,
        "top1_agreement": float((made.argmax(-1) == real.argmax(-1)).mean()),
        "equal": float((errors < unit).mean()),
    }


def _outputs(pk: verifai.ProvingKey, inputs: Any) -> Iterator[Any]:
    backend = backends.get(pk.circuit.backend)
    if pk.circuit.backend == "ezkl":
        yield from (backend.outputs(pk, one, False)[0] for one in inputs)
        return
    for start in range(0, len(inputs), FIDELITY_CHUNK):
        chunk = inputs[start : start + FIDELITY_CHUNK]
        yield np.asarray(backend.outputs(pk, chunk, True)[0]).reshape(len(chunk), -1)


def main() -> None:
    """``NAME FOLDER [ARGUMENT ...]``, as :mod:`benchmarks.compare` calls it."""
    name, folder, *rest = sys.argv[1:]
    steps: dict[str, Callable[..., dict[str, Any]]] = {
        "export": export,
        "setup": setup,
        "prove": lambda path, *numbers: prove(path, *map(int, numbers)),
        "fidelity": fidelity,
    }
    print(json.dumps(steps[name](Path(folder), *rest)))


if __name__ == "__main__":
    main()
