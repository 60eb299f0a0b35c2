"""One file, tried as it comes, in a process of its own with limits on time and memory."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: What the parent of the trials has loaded: a trial begins at once.
PRELOADED: Final = ["verifai", "onnx", "onnxruntime", "onnxscript.optimizer", "onnx.reference"]
#: Largest error against onnxruntime, as a share of an output's range over the samples.
TOLERANCE: Final = 0.01
#: The stages, in order: a trial that ends early says where.
STAGES: Final = ("onnxruntime", "load", "compile", "setup", "prove", "verify", "compare")


@dataclass
class Trial:
    """What became of one file.

    Attributes:
        verdict: ``matches``; ``wrong``, which nothing may be; ``refused``, with the reason;
            ``limit`` of time or memory; ``not run`` by onnxruntime; ``fails``, which is a bug.
        stage: the last one that was begun.
        reason: in words, of all but ``matches``.
        asked: whether lengths that the file leaves open were given, or values that decide over
            branches.
        error: largest, as a share of its output's range.
        seconds: of each stage.
    """

    name: str
    group: str
    verdict: str = "fails"
    stage: str = STAGES[0]
    reason: str = ""
    asked: bool = False
    error: float | None = None
    seconds: dict[str, float] | None = None


def tried(name: str, group: str, folder: Path, seconds: float, memory: int) -> Trial:
    """Try ``folder``'s model.

    Args:
        seconds: wall-clock limit.
        memory: limit of resident bytes.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(folder, theirs))
    process.start()
    theirs.close()
    trial = Trial(name, group, reason="the process died", seconds={})
    started = time.monotonic()
    peak = 0
    while process.is_alive() or ours.poll():
        if ours.poll(0.2):
            try:
                for field, value in ours.recv().items():
                    setattr(trial, field, value)
            except EOFError:
                break
            if trial.verdict != "fails":
                break
            continue
        peak = max(peak, _resident(process.pid))
        late = time.monotonic() - started > seconds
        if late or peak > memory:
            what = f"{seconds:.0f} s" if late else f"{memory / 2**30:.1f} GiB"
            trial.verdict, trial.reason = "limit", f"more than {what} in {trial.stage}"
            process.kill()
            break
    process.join(10)
    if process.is_alive():
        process.kill()
    return trial


def _resident(pid: int | None) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _work(folder: Path, report: Connection) -> None:
    """What the process does; it reports each stage as it begins."""
    from verifai.errors import VerifaiError

    os.environ["VERIFAI_PROGRESS"] = "0"
    stages: dict[str, float] = {}
    try:
        found = _route(folder, report, stages)
    except VerifaiError as error:
        found = {"verdict": "refused", "reason": f"{error.message}"[:1000]}
    except _NotRunError as error:
        found = {"verdict": "not run", "reason": str(error)[:300]}
    except Exception as error:  # a bug, which the table shows
        found = {"verdict": "fails", "reason": f"{type(error).__name__}: {error}"[:500]}
    report.send({**found, "seconds": stages})
    report.close()


class _NotRunError(Exception):
    """onnxruntime does not run the file."""


def _route(folder: Path, report: Connection, stages: dict[str, float]) -> dict[str, Any]:
    import verifai

    clock = [time.monotonic()]

    def stage(name: str) -> None:
        now = time.monotonic()
        index = STAGES.index(name)
        if index:
            stages[STAGES[index - 1]] = round(now - clock[0], 2)
        clock[0] = now
        report.send({"stage": name})

    stage("onnxruntime")
    path = folder / "model.onnx"
    with np.load(folder / "samples.npz") as archive:
        samples = {name: archive[name] for name in archive.files}
    wanted = _reference(path, samples)
    stage("load")
    settings = folder / "fixed.json"
    fixed = json.loads(settings.read_text()) if settings.exists() else {}
    samples = {name: array for name, array in samples.items() if name not in fixed}
    try:
        model = verifai.load(path, fixed=fixed)
    except verifai.UnsupportedError as error:
        if "shapes" not in error.details:
            raise
        report.send({"asked": True})
        shapes = {name: array.shape[1:] for name, array in samples.items()}
        model = verifai.load(path, shapes=shapes, fixed=fixed)
    if fixed:
        report.send({"asked": True})
    stage("compile")
    calibration = {name: array[1:] for name, array in samples.items()}
    circuit = verifai.compile(model, calibration)
    stage("setup")
    proving, verifying = verifai.setup(circuit)
    stage("prove")
    proof = verifai.prove(proving, {name: array[0] for name, array in samples.items()})
    stage("verify")
    statement = verifai.verify(proof, verifying)
    stage("compare")
    worst = 0.0
    for claim in statement.outputs:
        worst = max(worst, _error(claim.values, wanted[claim.name]))
    stages["compare"] = round(time.monotonic() - clock[0], 2)
    verdict = "matches" if worst <= TOLERANCE else "wrong"
    reason = "" if verdict == "matches" else f"off by {100 * worst:.3g} % of the range"
    return {"verdict": verdict, "error": worst, "reason": reason}


def _reference(path: Path, samples: Mapping[str, NDArray[Any]]) -> dict[str, list[NDArray[Any]]]:
    """The outputs of the file as it is, of all samples."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        found: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
        for index in range(len(next(iter(samples.values())))):
            feed = {name: np.asarray(array[index]) for name, array in samples.items()}
            for name, value in zip(names, session.run(None, feed), strict=True):
                found[name].append(_as_tensor(value))
    except Exception as error:  # onnxruntime's exceptions share no public base class
        raise _NotRunError(str(error)) from None
    return found


def _as_tensor(value: Any) -> NDArray[Any]:
    """A tensor; of a list of dictionaries, as ZipMap makes, one with a column for each key."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return np.array([list(row.values()) for row in value])
    return np.asarray(value)


def _error(claimed: Any, wanted: list[NDArray[Any]]) -> float:
    """Largest error of the proved sample's output, as a share of the range of all samples'."""
    got, want = np.asarray(claimed, np.float64), wanted[0]
    if want.dtype.kind not in "fiub" or got.size != want.size:
        return float("inf")
    reals = [np.asarray(array, np.float64) for array in wanted]
    gap = float(np.abs(got.reshape(want.shape) - reals[0]).max(initial=0.0))
    if want.dtype.kind != "f":
        return 0.0 if gap == 0 else float("inf")
    low = min(float(array.min(initial=np.inf)) for array in reals)
    high = max(float(array.max(initial=-np.inf)) for array in reals)
    spread = high - low if high > low else max(abs(high), 1e-12)
    return gap / spread


def plain(trial: Trial) -> dict[str, Any]:
    """For JSON."""
    return asdict(trial)
