"""Honest files of every kind, and where a user meets each: a function and a command."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import verifai
from verifai.cli.files import read_arrays
from verifai.cli.main import main
from verifai.errors import VerifaiError
from verifai.proof import Registration

#: What a refusal may take: memory beyond what the process has, and seconds.
MEMORY = 2 << 30
SECONDS = 60


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        file: its honest name in the folder of :func:`tests.hostile.conftest.honest`.
        read: the public function that reads it.
        command: the command line that reads the file ``{}``; ``{new}`` is a file that a command
            would write.
    """

    file: str
    read: Callable[[Any], Any]
    command: str


KINDS = {
    "model": Kind("model.onnx", verifai.load, "compile {} --calibration data.npy --out {new}"),
    "calibration": Kind("data.npy", read_arrays, "compile model.onnx --calibration {} --out {new}"),
    "input": Kind("input.json", read_arrays, "prove proving.vfp --input {} --out {new}"),
    "circuit": Kind("circuit.vfc", verifai.Circuit.load, "setup {} --pk {new} --vk {new}.vk"),
    "proving key": Kind(
        "proving.vfp", verifai.ProvingKey.load, "prove {} --input input.json --out {new}"
    ),
    "verifying key": Kind("key.vfk", verifai.VerifyingKey.load, "verify proof.vfb --key {}"),
    "bundle": Kind("proof.vfb", verifai.Proof.load, "verify {} --key key.vfk"),
    "registration": Kind(
        "key.vfr", Registration.load, "verify proof.vfb --key key.vfk --registration {}"
    ),
    "reference string": Kind(
        "small.srs", verifai.SRS.load, "setup circuit.vfc --srs {} --pk {new} --vk {new}.vk"
    ),
}
#: Those in the project's own container.
CONTAINERS = ("circuit", "proving key", "verifying key", "bundle", "registration")


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Within MEMORY and SECONDS, or the test fails."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    used = pages * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)

    def late(*_: object) -> None:
        raise AssertionError(f"not refused within {SECONDS} s")

    handler = signal.signal(signal.SIGALRM, late)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, before)


def refusal(act: Callable[[], Any]) -> VerifaiError:
    """The one error of ours that ``act`` ends with."""
    with bounded(), pytest.raises(VerifaiError) as caught:
        act()
    assert caught.value.message
    assert len(str(caught.value)) < 4000
    return caught.value


def command(words: str, folder: Path, **names: object) -> tuple[int, dict[str, Any]]:
    """Exit code and the one JSON object of a command that is run in ``folder``."""
    argv = [word.format(names.get("path", ""), **names) for word in words.split()]
    printed, warned = io.StringIO(), io.StringIO()
    back = Path.cwd()
    os.chdir(folder)
    try:
        with bounded(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(warned):
            code = main([*argv, "--json"])
    finally:
        os.chdir(back)
    lines = printed.getvalue().splitlines()
    assert len(lines) == 1, lines
    assert "Traceback" not in warned.getvalue()
    return code, json.loads(lines[0])


def refused_everywhere(name: str, path: Path, folder: Path) -> VerifaiError:
    """The file is refused by its function and its command alike, and no output is left behind."""
    kind = KINDS[name]
    before = listing(folder)
    error = refusal(lambda: kind.read(path))
    code, value = command(kind.command, folder, path=path, new=folder / "new")
    assert not value["ok"]
    assert code == error.exit_code == value["exit_code"], value
    assert code in (3, 5, 6), value
    assert listing(folder) == before
    return error


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Names, sizes and times of change of what lies in a folder."""
    found = {}
    for entry in os.scandir(folder):
        info = entry.stat(follow_symlinks=False)
        found[entry.name] = (info.st_size, info.st_mtime_ns)
    return found
