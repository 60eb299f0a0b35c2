"""Many mutants and two verifiers: who accepts, who crashes, how long each takes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from tests.hostile.plan import Attempt
from tests.soundness.proofs import Claim, native, python

#: Threads and processes that judge side by side.
WORKERS = 2
#: Attempts that one thread takes at a time.
CHUNK = 500
#: Wall seconds that count as a hang: a thousand honest verifications.
HANG_SECONDS = 10.0
#: Runs of which the fastest counts: a busy machine only makes them slower.
RUNS = 3


@dataclass(frozen=True)
class Verdict:
    """What became of one claim.

    Attributes:
        accepted: by the verifier.
        crash: the exception, if it is not the one that says "refused".
        cpu_seconds: of the whole process, the Rust core's threads included: of this claim only if
            nothing else ran; see :func:`alone`.
        wall_seconds: on a machine that may have other things to do.
    """

    accepted: bool
    crash: str | None
    cpu_seconds: float
    wall_seconds: float


def rust(claim: Claim) -> Verdict:
    """The Rust verifier. A panic is a ``RuntimeError`` there: a crash."""
    cpu, wall = time.process_time(), time.perf_counter()
    accepted, crash = False, None
    try:
        native().native_verify(
            *claim.key,
            claim.batch,
            claim.context,
            claim.words,
            claim.proof,
        )
        accepted = True
    except (ValueError, OverflowError):  # the latter: a batch that is no 64-bit number
        pass
    except BaseException as error:  # a panic, whatever it is called
        crash = f"{type(error).__name__}: {error}"
    return Verdict(accepted, crash, time.process_time() - cpu, time.perf_counter() - wall)


def alone(claim: Claim, judge: Callable[[Claim], Verdict] = rust, runs: int = RUNS) -> float:
    """Processor seconds of one claim, nothing beside it: the best of a few runs."""
    return min(judge(claim).cpu_seconds for _ in range(runs))


def judged(
    attempts: Iterable[Attempt], judge: Callable[[Claim], Verdict] = rust
) -> Iterator[tuple[Attempt, Verdict]]:
    """All verdicts, in the order of the attempts."""
    waiting = iter(attempts)
    with ThreadPoolExecutor(WORKERS) as pool:
        while chunk := list(islice(waiting, WORKERS * CHUNK)):
            yield from zip(chunk, pool.map(judge, [a.claim for a in chunk]), strict=True)


def python_verdict(claim: Claim) -> tuple[bool, str | None]:
    """Whether the Python verifier accepts, and the exception if it is none of its own."""
    try:
        return python(claim) is None, None
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"


def judged_in_python(claims: Sequence[Claim]) -> list[tuple[bool, str | None]]:
    """Verdicts of the Python verifier, in processes of their own: it takes half a second."""
    if len(claims) < 50:
        return [python_verdict(claim) for claim in claims]
    context = multiprocessing.get_context("spawn")  # threads of the Rust core do not survive a fork
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        return list(pool.map(python_verdict, claims, chunksize=4))
