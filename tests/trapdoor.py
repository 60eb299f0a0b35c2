"""The pairing check under the tests' reference strings, whose tau is public, without a pairing.

``e(left, H2) = e(right, tau H2)`` says that ``left = tau right``: a multiplication of milliseconds
says what a pairing in Python takes half a second for, most of a verification. So in CI a process
computes the pairing of its first check and of every :data:`EVERY`-th, where both have to agree;
other reference strings, other processes and campaigns (:mod:`tests.campaign`) have pairings alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import pytest

from tests.campaign import FULL

EVERY: Final = 16

_asked = 0
_aside = False


@cache
def secrets() -> dict[Any, int]:
    """tau by tau H2, affine: of the development string, and of the slow prover's."""
    from py_ecc.optimized_bn128 import G2, multiply, normalize

    from tests.verifier.reference_algebra import TAU
    from verifai.verifier.known_secrets import PUBLISHED

    return {
        _plain(normalize(multiply(G2, tau))): tau for tau in (next(iter(PUBLISHED.values())), TAU)
    }


def _plain(affine: Any) -> tuple[int, ...]:
    return tuple(int(c) for coordinate in affine for c in coordinate.coeffs)


def equal_by_tau(left: Any, right: Any, right_g2: Any) -> bool | None:
    """What the pairing would say; None where nobody knows tau."""
    from py_ecc.optimized_bn128 import normalize

    from verifai.verifier.native.curve import msm

    tau = secrets().get(_plain(normalize(right_g2)))
    return None if tau is None else msm([right], [tau]) == left


@contextmanager
def set_aside() -> Iterator[None]:
    """Every pairing is computed meanwhile: for who measures how long a verification takes."""
    global _aside
    before, _aside = _aside, True
    try:
        yield
    finally:
        _aside = before


def pytest_collection_finish(session: pytest.Session) -> None:
    """From now on, in this process. The opening takes the pairing's name from the curve's module,
    and so does each copy of it that a test breaks."""
    from verifai.verifier.native import curve, opening

    pairing_equal = curve.pairing_equal
    if FULL or hasattr(pairing_equal, "pairing"):
        return

    def checked(left: Any, right: Any, right_g2: Any) -> bool:
        global _asked
        said = None if _aside else equal_by_tau(left, right, right_g2)
        if said is not None:
            _asked += 1
            if _asked % EVERY != 1:
                return said
        found = pairing_equal(left, right, right_g2)
        assert said in (None, found), "the pairing and tau disagree"
        return found

    checked.pairing = pairing_equal  # type: ignore[attr-defined]
    curve.pairing_equal = opening.pairing_equal = checked
