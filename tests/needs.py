"""What each test needs is declared by marks; a test that takes what it does not declare fails.

===========  ======================================================================================
unit         nothing of what follows, and about 50 ms
model        torch, onnx or onnxruntime: models are exported, quantised, run; or more time than that
proof        keys and proofs of the native system
process      other processes, of whatever kind
node         anvil
ezkl         ezkl, which runs in processes of its own
statistical  many proofs or mutants; how many says :mod:`tests.campaign`
===========  ======================================================================================

Marks are given here, by folder or file, or by the fixtures that a test asks for; a single test can
have more. What is watched are imports, the prover of the core, and processes that are started.
"""

from __future__ import annotations

import builtins
import importlib.util
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, Final

import pytest

KINDS: Final = ("unit", "model", "proof", "process", "node", "ezkl", "statistical")
#: By folder or file under ``tests``: the longest that fits.
NEEDS: Final[dict[str, str]] = {
    "audit": "model proof process",
    "chain": "model proof process",
    "chain/test_ezkl.py": "model proof process node ezkl",
    "circuit": "model proof",
    "circuit/test_target.py": "model proof process",
    "contracts": "model proof process",
    "contracts/native/test_compiler.py": "model proof process statistical",
    "contracts/native/test_hostile_proofs.py": "model proof process statistical",
    "docs": "model proof process",
    "e2e": "model proof process",
    "golden": "model proof",
    "graph": "model proof",
    "graph/test_fidelity.py": "model proof process ezkl",
    "graph/test_proofs.py": "model proof statistical",
    "hiding": "model proof",
    "hiding/test_indistinguishable.py": "model proof statistical",
    "hiding/test_uniform.py": "model proof statistical",
    "hostile": "model proof process",
    "hostile/test_decoders.py": "model proof statistical",
    "hostile/test_lying_nodes.py": "model proof process statistical",
    "hostile/test_mutants.py": "model proof process statistical",
    "hostile/test_worst_tables.py": "model proof process statistical",
    "process": "model proof process",
    "soundness": "model proof process",
    "soundness/test_every_byte.py": "model proof process statistical",
    "soundness/test_hiding_verifier_mutation.py": "model proof statistical",
    "soundness/test_mutation.py": "model proof process statistical",
    "soundness/test_verifier_mutation.py": "model proof statistical",
    "unit": "model proof process",
    "unit/test_ezkl_backend.py": "model proof process ezkl",
    "unit/test_verify.py": "model proof process ezkl statistical",
    "verifier": "model proof",
    "verifier/test_native_weights.py": "model statistical",
}
#: By fixture.
BRINGS: Final = {
    "anvil": "node",
    "start_anvil": "node",
    "node": "node",
    "shared": "node",
    "tiny": "ezkl",
    "other": "ezkl",
    "bundle": "ezkl",
}
#: What is taken by what. Torch asks the system for its parts when it is first used: by processes.
INCLUDED: Final = {
    "model": ("process",),
    "ezkl": ("model", "process"),
    "node": ("process",),
    "process": ("ezkl", "node"),
}
#: Packages that take long to import, or run models.
HEAVY: Final = ("torch", "onnx", "onnxruntime", "onnxscript", "ezkl", "sklearn")
STARTS: Final = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn")
#: Processor time in which a unit test fails: ten times what it should take, for first uses.
TOO_LONG: Final = 0.5

#: Every test that was collected, and its kinds, before any was left out.
COLLECTED: Final = pytest.StashKey[dict[str, set[str]]]()


def skip_without(*packages: str) -> None:
    """Skip the module that calls this where a package is missing. None is imported to find out:
    what is collected is more than what is run."""
    for name in packages:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed", allow_module_level=True)


# ---- what is declared ---------------------------------------------------------------------------


def declared(item: pytest.Item) -> set[str]:
    """The kinds of a test, by its marks."""
    return {kind for kind in KINDS if item.get_closest_marker(kind)}


def _by_place(path: Path) -> list[str]:
    parts = path.relative_to(Path(__file__).parent).parts
    places = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((NEEDS[place].split() for place in places if place in NEEDS), [])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(here):
            continue
        kinds = _by_place(item.path) if "unit" not in declared(item) else []
        fixtures = getattr(item, "fixturenames", ())
        kinds += [BRINGS[name] for name in fixtures if name in BRINGS]
        for kind in dict.fromkeys(kinds):
            item.add_marker(kind)
    config.stash[COLLECTED] = {item.nodeid: declared(item) for item in items}


# ---- what is taken ------------------------------------------------------------------------------

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

        @wraps(real, updated=())
        def prover(*arguments: Any, **named: Any) -> Any:
            """A key, and with it every proof, begins with a prover."""
            if _taken is not None:
                _taken.add("proof")
            return real(*arguments, **named)

        core.Prover = prover


@contextmanager
def watched() -> Iterator[set[str]]:
    """The set of kinds that fills while the block runs."""
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


def _judged(item: pytest.Item, taken: set[str], seconds: float) -> None:
    allowed = declared(item)
    included = {kind for one in allowed for kind in INCLUDED.get(one, ())}
    undeclared = sorted(taken - allowed - included)
    if undeclared and item.path.is_relative_to(Path(__file__).parent):
        pytest.fail(f"needs what it does not declare: {', '.join(undeclared)} (tests/needs.py)")
    if "unit" in allowed and seconds > TOO_LONG:
        pytest.fail(f"a unit test that takes {seconds:.2f} s of the processor (tests/needs.py)")


def _watching(item: pytest.Item) -> Iterator[Any]:
    start = time.process_time()
    with watched() as taken:
        result = yield
    _judged(item, taken, time.process_time() - start)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[Any]:
    return (yield from _watching(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[Any]:
    return (yield from _watching(item))
