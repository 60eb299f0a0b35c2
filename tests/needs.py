"""What tests take while they run: packages, proofs, processes."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

#: Packages that take long to import, or run models.
HEAVY = ("torch", "onnx", "onnxruntime", "onnxscript", "ezkl", "sklearn")
STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn")

#: What is taken, while somebody watches.
_taken: set[str] | None = None
_hooked = False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Python tells of each process that it starts and of each module that it first imports."""
    if _taken is None:
        return
    if event == "import":
        _imported(arguments[0])
    elif event in STARTS:
        command = arguments[1] if event == "subprocess.Popen" else ()
        line = command if isinstance(command, str) else " ".join(map(str, command))
        _taken.add("node" if "anvil" in line else "ezkl" if "backends.ezkl" in line else "process")


def _imported(name: str) -> None:
    if _taken is not None and name.partition(".")[0] in HEAVY:
        _taken.add("model")


def _hook() -> None:
    """For good: an audit hook cannot be taken away. It does nothing while nobody watches."""
    global _hooked
    if _hooked:
        return
    _hooked = True
    sys.addaudithook(_audit)
    with suppress(ImportError):
        import verifai._native as core

        real = core.Prover

        def prover(*arguments: Any, **named: Any) -> Any:
            """A key, and with it every proof, begins with a prover."""
            if _taken is not None:
                _taken.add("proof")
            return real(*arguments, **named)

        core.Prover = prover


@contextmanager
def watched() -> Iterator[set[str]]:
    """The set of needs that fills while the block runs."""
    global _taken
    _hook()
    before, _taken = _taken, set()
    plain = builtins.__import__

    def importing(name: str, *arguments: Any, **named: Any) -> Any:
        _imported(name)
        return plain(name, *arguments, **named)

    builtins.__import__ = importing
    try:
        yield _taken
    finally:
        builtins.__import__ = plain
        _taken = before
