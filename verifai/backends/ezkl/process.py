"""Running ezkl as a hostile program: spawned, limited, watched, killable.

Why a process for each request (all measured on ezkl 23.0.5): its calls hold the interpreter lock to
the end; a worker thread that logs deadlocks for ever at no CPU; out of memory aborts the process;
panics are ``BaseException``; forking after an import hangs.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from verifai.errors import (
    MissingExtraError,
    SetupError,
    UsageError,
    VerifaiError,
    WorkerError,
    WorkerTimeoutError,
)
from verifai.proof.codec import Section

#: A worker that burns no CPU for this long is deadlocked, not slow.
STALL_SECONDS: Final = 30.0
#: Setup of the largest circuit that fits this machine class took 348 s.
DEFAULT_SECONDS: Final = 3600.0
#: Verification takes 5 ms to 0.75 s.
VERIFY_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.02
#: Run as a file and isolated (-I), so that the child imports nothing of verifai.
_WORKER: Final = Path(__file__).with_name("worker.py")


class EzklError(Exception):
    """ezkl itself said no (an exception or a panic). Never leaves this package."""

    def __init__(self, kind: str, message: str, log: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.log = log


@dataclass(frozen=True)
class Step:
    """One ezkl call.

    Attributes:
        function: its name.
        arguments: keyword arguments, JSON-able.
        run_args: attributes of a ``PyRunArgs`` handed in as ``py_run_args``, or None.
        asynchronous: whether the function needs a running event loop.
        succeeds_if_file: an exception is ignored if this file has been made all the same.
    """

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    run_args: Mapping[str, Any] | None = None
    asynchronous: bool = False
    succeeds_if_file: str | None = None


def installed_version() -> str:
    """The version of the installed ezkl.

    Raises:
        MissingExtraError: it is not installed.
    """
    if importlib.util.find_spec("ezkl") is None:
        raise MissingExtraError(
            "The ezkl backend needs the package ezkl, which is not installed.",
            hint="pip install 'verifai[ezkl]' (its wheel states no licence: read its terms first)",
        )
    return importlib.metadata.version("ezkl")


def require_version(version: str, what: str) -> None:
    """What was made with one ezkl is used with the same: its files carry no version.

    Raises:
        MissingExtraError: ezkl is not installed.
        SetupError: another version is.
    """
    if (installed := installed_version()) != version:
        raise SetupError(
            f"The {what} was made with ezkl {version}, installed is {installed}: they do not mix.",
            hint=f"pip install ezkl=={version}; or compile and set up again.",
        )


@contextlib.contextmanager
def refusing(kind: type[VerifaiError], problem: str, hint: str | None = None) -> Iterator[None]:
    """What ezkl says no to in this block becomes an error of ours, with ezkl's reason."""
    try:
        yield
    except EzklError as error:
        message = f"{problem}: {error.message}"
        raise kind(message, hint=hint, log=error.log[-2000:]) from None


@contextlib.contextmanager
def workspace(files: Mapping[str, Section] | None = None) -> Iterator[Path]:
    """A private folder for the files of one request, with these in it.

    Nothing of it outlives the block, not even a finaliser: that of a
    :class:`tempfile.TemporaryDirectory` runs in forked children too, and takes the folder away.
    """
    folder = Path(tempfile.mkdtemp(prefix="verifai-ezkl-"))
    try:
        for name, data in (files or {}).items():
            (folder / name).write_bytes(data)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def call(folder: Path, function: str, **arguments: Any) -> None:
    """:func:`run` one call for the files that it makes."""
    run(folder, [Step(function, arguments)])


def run(
    folder: Path,
    steps: Sequence[Step],
    *,
    seconds: float | None = None,
) -> list[Any]:
    """Run ``steps`` in a fresh process, with ``folder`` as its home and working directory.

    Its address space has a limit: ``VERIFAI_WORKER_BYTES``, or 90 % of the RAM.

    Args:
        folder: where relative paths of the steps lie.
        steps: ezkl calls, run in order until one fails.
        seconds: wall-clock limit; default ``VERIFAI_WORKER_SECONDS`` or ``DEFAULT_SECONDS``.

    Returns:
        The plain values (bool, int, str, float, None) that the calls returned.

    Raises:
        EzklError: ezkl raised or panicked.
        WorkerError: the process was killed: out of time or memory, stalled, or crashed.
        MissingExtraError: ezkl is not installed.
    """
    installed_version()
    seconds = seconds or _setting("VERIFAI_WORKER_SECONDS", DEFAULT_SECONDS)
    memory_bytes = int(_setting("VERIFAI_WORKER_BYTES", 0.9 * _physical_memory()))
    what = ", ".join(step.function for step in steps)
    request, result, log = (folder / name for name in ("request.json", "result.json", "log.txt"))
    result.unlink(missing_ok=True)
    request.write_text(json.dumps({"memory_bytes": memory_bytes, "steps": list(map(vars, steps))}))
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-I", str(_WORKER), str(request), str(result)],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
        try:
            _watch(process, what, seconds)
        finally:
            _kill(process)
    tail = _tail(log)
    if not result.is_file():
        raise _fault(process.returncode, what, memory_bytes, tail)
    answer = json.loads(result.read_text())
    if "error" in answer:
        error = answer["error"]
        if error["kind"] == "MemoryError":
            raise _fault(-signal.SIGABRT, what, memory_bytes, tail)
        raise EzklError(error["kind"], error["message"], tail)
    values: list[Any] = answer["values"]
    return values


def _watch(process: subprocess.Popen[bytes], what: str, seconds: float) -> None:
    started = last_progress = time.monotonic()
    last_cpu = -1
    pause = _POLL_SECONDS
    while process.poll() is None:
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
        now = time.monotonic()
        cpu = _cpu_ticks(process.pid)
        if cpu is None or cpu != last_cpu:
            last_progress, last_cpu = now, cpu if cpu is not None else -1
        if now - started > seconds:
            raise WorkerTimeoutError(
                f"ezkl ({what}) was stopped after its time limit of {seconds:.0f} s.",
                hint="Raise VERIFAI_WORKER_SECONDS, or use a smaller model.",
            )
        if now - last_progress > STALL_SECONDS:
            raise WorkerTimeoutError(
                f"ezkl ({what}) used no CPU for {STALL_SECONDS:.0f} s: it is deadlocked and was "
                "stopped.",
                hint="This happens when a value leaves the calibrated range: calibrate with data "
                "like the input.",
            )


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _fault(returncode: int | None, what: str, memory_bytes: int, log: str) -> WorkerError:
    # The allocator's abort and the kernel's kill both mean memory here; Rust says so in the log.
    if "memory allocation" in log or returncode in (-signal.SIGKILL, -signal.SIGABRT):
        return WorkerError(
            f"ezkl ({what}) ran out of memory; its limit was {memory_bytes / 2**30:.1f} GiB.",
            hint="Use a smaller model or a machine with more memory; VERIFAI_WORKER_BYTES sets "
            "the limit.",
        )
    return WorkerError(
        f"ezkl ({what}) crashed with exit status {returncode}.",
        hint="Nothing was written. Try again; if it persists, report the model.",
        log=log[-2000:],
    )


def _environment(folder: Path) -> dict[str, str]:
    kept = ("PATH", "LD_LIBRARY_PATH", "RAYON_NUM_THREADS", "LANG")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return {
        **environment,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "EZKL_REPO_PATH": str(folder / ".ezkl"),
        # DEBUG would log witness values, weights and keys.
        "RUST_LOG": "error",
        # Some calls try to download a compiler; nothing in here may reach a network.
        **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9"),
    }


def _setting(name: str, default: float) -> float:
    text = os.environ.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise UsageError(f"{name} is a positive number, found {text!r}.")
    return value


def _physical_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _cpu_ticks(pid: int) -> int | None:
    """User and system time of a process in clock ticks, or None where /proc is missing."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[11]) + int(fields[12])


def _tail(log: Path, limit: int = 8000) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - limit))
        return file.read().decode("utf-8", "replace")
