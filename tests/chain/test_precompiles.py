"""The native precompiles are py-evm's: outputs, gas, failures."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("verifai._native")

from py_ecc import optimized_bn128 as bn

from tests.needs import skip_without
from verifai.evm.node import precompiles
from verifai.verifier.native.curve import G, H, P, Q

skip_without("eth_tester")


def g1(point: object) -> bytes:
    return bytes(64) if point is None else b"".join(x.to_bytes(32, "big") for x in point)


def g2(factor: int) -> bytes:
    x, y = bn.normalize(bn.multiply(bn.G2, factor))
    return b"".join(int(c).to_bytes(32, "big") for v in (x, y) for c in reversed(v.coeffs))


NEGATIVE = (G[0], Q - G[1])
LARGE = (1 << 256) - 1
POINTS = {
    "sum": (6, g1(G) + g1(H)),
    "double": (6, g1(H) + g1(H)),
    "cancels": (6, g1(G) + g1(NEGATIVE)),
    "with infinity": (6, g1(None) + g1(H)),
    "short": (6, g1(H)[:63]),
    "empty": (6, b""),
    "long": (6, g1(G) + g1(H) + b"tail"),
    "off the curve": (6, g1((1, 3)) + g1(G)),
    "not canonical": (6, g1((Q + 1, 2)) + g1(G)),
    "multiple": (7, g1(H) + (12345).to_bytes(32, "big")),
    "multiple of the order": (7, g1(H) + P.to_bytes(32, "big")),
    "large multiple": (7, g1(G) + LARGE.to_bytes(32, "big")),
    "multiple off the curve": (7, g1((5, 5)) + (1).to_bytes(32, "big")),
    "zero times nothing": (7, b""),
    "pairing of nothing": (8, b""),
    "pairing that holds": (8, g1(G) + g2(7) + g1(NEGATIVE) + g2(7)),
    "pairing that does not": (8, g1(G) + g2(7) + g1(NEGATIVE) + g2(6)),
    "pairing with infinity": (8, g1(None) + g2(7) + g1(H) + bytes(128)),
    "pairing of odd length": (8, g1(G) + g2(7) + b"x"),
    "pairing off the curve": (8, g1((1, 3)) + g2(1)),
    "pairing off the twist": (8, g1(G) + g2(1)[:127] + b"\x00"),
}


class Computation(SimpleNamespace):
    """What a precompile sees of py-evm."""

    def __init__(self, data: bytes, gas: int) -> None:
        super().__init__(msg=SimpleNamespace(data=data, data_as_bytes=data), gas=gas, output=b"")

    def consume_gas(self, amount: int, reason: str) -> None:
        from eth.exceptions import OutOfGas

        if amount > self.gas:
            raise OutOfGas(reason)
        self.gas -= amount

    def get_gas_remaining(self) -> int:
        return self.gas


def outcome(precompile: object, data: bytes, gas: int = 200_000) -> tuple[object, ...]:
    from eth.exceptions import VMError

    computation = Computation(data, gas)
    try:
        precompile(computation)
    except VMError as error:
        return type(error), computation.gas
    return bytes(computation.output), computation.gas


@pytest.mark.parametrize("name", POINTS)
def test_native_and_plain_agree(name):
    from eth.vm.forks.prague.computation import PragueComputation

    number, data = POINTS[name]
    address = number.to_bytes(20, "big")
    plain = PragueComputation.get_precompiles()[address]
    native = precompiles.bn254_precompiles()[address]
    assert outcome(native, data) == outcome(plain, data)


@pytest.mark.parametrize("name", ["sum", "multiple", "pairing that holds"])
def test_gas_runs_out_alike(name):
    from eth.vm.forks.prague.computation import PragueComputation

    number, data = POINTS[name]
    address = number.to_bytes(20, "big")
    plain = PragueComputation.get_precompiles()[address]
    native = precompiles.bn254_precompiles()[address]
    assert outcome(native, data, 100) == outcome(plain, data, 100)


def test_without_the_native_module(monkeypatch):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(precompiles.importlib, "import_module", missing)
    assert precompiles.bn254_precompiles() == {}
