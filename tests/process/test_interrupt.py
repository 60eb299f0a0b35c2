"""Ctrl-C and ``kill`` end long work soon, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import verifai
from tests.process.conftest import Keys, inputs
from tests.waiting import until
from verifai.proof.files import replace_file

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="reads /proc")

#: From the signal to the end of the process. A batch of this size takes several times as long.
SECONDS = 5.0
BATCH = 16_384
#: To start, on a busy machine.
PATIENCE = 120.0

#: Uses the library as people do, in a process that may have been started with SIGINT ignored.
SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import numpy as np
import verifai
what, folder = sys.argv[1:]
if what == "setup":
    circuit = verifai.Circuit.load(folder + "/wide.vfc")
else:
    key, batch = verifai.ProvingKey.load(folder + "/proving.vfp"), np.load(folder + "/batch.npy")
try:
    verifai.setup(circuit) if what == "setup" else verifai.prove(key, batch, batch=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""

#: Interrupts itself while the core proves, then counts the processor time until all is quiet: until
#: no other thread computes or wants to, ten times in a row.
ABANDONED = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import numpy as np
import verifai
from verifai.backends.native.keys import load
folder = sys.argv[1]
key, batch = verifai.ProvingKey.load(folder + "/proving.vfp"), np.load(folder + "/batch.npy")
loaded = load(key)
prover = loaded.prover

def waits(thread):
    try:
        return open(f"/proc/self/task/{thread}/stat").read().rpartition(")")[2].split()[0] == "S"
    except OSError:  # it has ended
        return True

class Interrupted:
    def prove(self, *given, **named):
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        return prover.prove(*given, **named)

loaded.prover = Interrupted()
try:
    verifai.prove(key, batch, batch=True)
except KeyboardInterrupt:
    begun, quiet = time.process_time(), 0
    while quiet < 10:
        time.sleep(0.01)
        others = set(os.listdir("/proc/self/task")) - {str(threading.get_native_id())}
        quiet = quiet + 1 if all(map(waits, others)) else 0
    print(time.process_time() - begun)
    loaded.prover = prover
    verifai.verify(verifai.prove(key, batch[0]), key.verifying_key)
    print("proved")
"""
#: Of one batch, the core takes many times as long.
LEFT_SECONDS = 2.0


@pytest.fixture(scope="module")
def work(keys: Keys) -> Path:
    """A folder with a batch that takes long, and a circuit whose reference string does."""
    np.save(keys.folder / "batch.npy", inputs(BATCH))
    wide = verifai.compile(keys.model, inputs(64), options=verifai.NativeOptions(log_columns=19))
    wide.save(keys.folder / "wide.vfc")
    return keys.folder


def _started(after: float, *words: str) -> subprocess.Popen[str]:
    """A process, once the core has computed in it for so many seconds of the processor."""
    process = subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "VERIFAI_PROGRESS": "0"},
        preexec_fn=_default_signals,
    )
    until(lambda: process.poll() is not None or _computed(process.pid) >= after, PATIENCE)
    return process


def _default_signals() -> None:
    """Whatever our parent ignores: background shells SIGINT, ``nohup`` SIGHUP."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _computed(pid: int) -> float:
    """Processor time of the core's threads, in seconds; -1 before there are any."""
    ticks = []
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):  # it ended meanwhile
            name, _, rest = task.read_text().rpartition(")")
            if "(verifai-" in name:
                ticks.append(sum(map(int, rest.split()[11:13])))
    return sum(ticks) / os.sysconf("SC_CLK_TCK") if ticks else -1.0


def _end(process: subprocess.Popen[str], number: int) -> tuple[str, str, int]:
    """What the process wrote, and its exit status, after a signal."""
    try:
        assert process.poll() is None, process.communicate()
        process.send_signal(number)
        out, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    return out, err, process.returncode


@pytest.mark.parametrize("after", [0.0, 0.3, 2.0])
def test_ctrl_c_ends_a_batch(work: Path, after: float):
    process = _started(after, "-c", SCRIPT, "prove", str(work))
    assert _end(process, signal.SIGINT) == ("interrupted\n", "", 0)


def test_ctrl_c_ends_a_setup(work: Path):
    process = _started(0.1, "-c", SCRIPT, "setup", str(work))
    assert _end(process, signal.SIGINT) == ("interrupted\n", "", 0)


def test_the_core_drops_the_work_and_goes_on(work: Path):
    ended = subprocess.run(
        [sys.executable, "-c", ABANDONED, str(work)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    spent, proved = ended.stdout.split()
    assert proved == "proved"
    assert float(spent) < LEFT_SECONDS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", ["prove", "setup"])
def test_a_command_ends_in_one_line_without_a_file(
    work: Path, tmp_path: Path, command: str, number: signal.Signals
):
    words = {
        "prove": [
            work / "proving.vfp",
            "--batch",
            "--input",
            work / "batch.npy",
            "--out",
            "proof.vfb",
        ],
        "setup": [work / "wide.vfc", "--pk", "p.vfp", "--vk", "v.vfk", "--prove-weights", "r.vfr"],
    }[command]
    places = [str(tmp_path / word) if str(word).endswith(_MADE) else str(word) for word in words]
    process = _started(0.1, "-m", "verifai", command, *places)
    assert _end(process, number) == ("", "interrupted\n", 128 + number)
    assert list(tmp_path.iterdir()) == []


_MADE = ("proof.vfb", "p.vfp", "v.vfk", "r.vfr")


def test_an_ignored_signal_stays_ignored(work: Path, tmp_path: Path):
    """``nohup verifai prove ... &``"""
    process = subprocess.Popen(
        [sys.executable, "-m", "verifai", "doctor", "--json"],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    while process.poll() is None:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.05)
    assert process.returncode == 0


@pytest.mark.parametrize("at", ["open", "fdopen", "fsync", "replace"])
def test_an_interrupted_file_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
):
    """Ctrl-C may come right after any call, before its result is anybody's."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    call = getattr(os, at)

    def interrupted(*words: object, **options: object) -> None:
        if at != "replace":
            call(*words, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, at, interrupted)
        with pytest.raises(KeyboardInterrupt):
            replace_file(path, [b"new"])
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"
