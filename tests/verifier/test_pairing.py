"""The pairing check, and what tests say in its place where tau is public."""

from __future__ import annotations

from typing import Any

import pytest
from py_ecc.optimized_bn128 import G2, multiply

from tests.trapdoor import EVERY, equal_by_tau, secrets, set_aside
from verifai.verifier.native import curve, opening
from verifai.verifier.native.curve import G, H, P, msm

#: left and right as multiples of G, for a tau; whether the equation holds.
PAIRS = {
    "true": (lambda tau: (5 * tau, 5), True),
    "another left side": (lambda tau: (5 * tau + 1, 5), False),
    "another right side": (lambda tau: (5 * tau, 6), False),
    "exchanged": (lambda tau: (5, 5 * tau), False),
    "negated": (lambda tau: (-5 * tau, 5), False),
    "infinity": (lambda tau: (0, 0), True),
    "infinity on the left": (lambda tau: (0, 5), False),
    "infinity on the right": (lambda tau: (5, 0), False),
}


def pairing_equal(*arguments: Any) -> bool:
    with set_aside():
        return curve.pairing_equal(*arguments)


@pytest.mark.parametrize("tau", secrets().values())
@pytest.mark.parametrize("name", PAIRS)
def test_the_pairing_and_tau_say_the_same(name: str, tau: int) -> None:
    numbers, holds = PAIRS[name]
    left, right = (msm([G], [n % P]) for n in numbers(tau))
    other = multiply(G2, tau)
    assert pairing_equal(left, right, other) is equal_by_tau(left, right, other) is holds


def test_an_unknown_tau_has_the_pairing() -> None:
    other = multiply(G2, 3)
    assert equal_by_tau(msm([G], [3]), G, other) is None
    assert opening.pairing_equal(msm([H], [3]), H, other)
    assert not opening.pairing_equal(H, H, other)


def test_a_pairing_that_is_wrong_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among any sixteen checks one is made by both."""
    monkeypatch.setattr(curve, "final_exponentiate", lambda value: value)
    tau = next(iter(secrets().values()))
    claim = msm([G], [tau]), G, multiply(G2, tau)
    with pytest.raises(AssertionError, match="disagree"):
        _ = [opening.pairing_equal(*claim) for _ in range(EVERY)]
