"""The BN254 precompiles (EIP-196, EIP-197) of the embedded chain.

py-evm computes them in pure Python: a pairing takes 0.4 s. Where the native module is there, it
computes the same answers; gas, failures and their order are py-evm's either way. Answers are
remembered, because a proof is run once to estimate gas and once to mine, with the same points.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

#: One LeNet-size verification makes about 60 calls of a few hundred bytes.
REMEMBERED_CALLS: Final = 4096
#: Gas since Istanbul (EIP-1108): sum, multiple, pairing without and with each pair.
ADD_GAS, MUL_GAS, PAIRING_GAS, PAIR_GAS = 150, 6_000, 45_000, 34_000
#: Bytes of a pair.
_PAIR: Final = 192

Precompile = Callable[[Any], Any]


def bn254_precompiles(original: dict[bytes, Precompile]) -> dict[bytes, Precompile]:
    """Replacements for 0x06, 0x07 and 0x08 among ``original``, by address."""
    native = _native()
    replaced = {}
    for number in (6, 7, 8):
        address = number.to_bytes(20, "big")
        plain = original[address] if native is None else native[number]
        replaced[address] = _remembering(plain)
    return replaced


def _native() -> dict[int, Precompile] | None:
    """The precompiles by the native module, or None without it."""
    try:
        core = importlib.import_module("verifai._native")
        add, mul, pairing = core.bn254_add, core.bn254_mul, core.bn254_pairing
    except (ImportError, AttributeError):
        return None
    return {
        6: _precompile("ECADD", add, lambda data: ADD_GAS),
        7: _precompile("ECMUL", mul, lambda data: MUL_GAS),
        8: _precompile("ECPAIRING", pairing, _pairing_gas),
    }


def _pairing_gas(data: bytes) -> int:
    """The length is checked before gas is charged, as in py-evm."""
    if len(data) % _PAIR:
        raise ValueError("not a multiple of 192 bytes")
    return PAIRING_GAS + len(data) // _PAIR * PAIR_GAS


def _precompile(
    name: str, compute: Callable[[bytes], bytes], price: Callable[[bytes], int]
) -> Precompile:
    from eth.exceptions import VMError

    def run(computation: Any) -> Any:
        data = bytes(computation.msg.data)
        try:
            gas = price(data)
        except ValueError:
            raise VMError(f"Invalid {name} parameters") from None
        computation.consume_gas(gas, reason=f"{name} Precompile")
        try:
            computation.output = bytes(compute(data))
        except ValueError:
            raise VMError(f"Invalid {name} parameters") from None
        return computation

    return run


def _remembering(precompile: Precompile) -> Precompile:
    """A precompile that computes each answer once.

    Its gas and output depend on the input alone. Failures are computed anew each time.
    """
    answers: dict[bytes, tuple[int, bytes]] = {}

    def run(computation: Any) -> Any:
        question = bytes(computation.msg.data)
        if question in answers:
            gas, output = answers[question]
            computation.consume_gas(gas, reason="remembered precompile")
            computation.output = output
            return computation
        before = computation.get_gas_remaining()
        result = precompile(computation)
        if len(answers) >= REMEMBERED_CALLS:
            answers.pop(next(iter(answers)))
        answers[question] = (before - computation.get_gas_remaining(), bytes(computation.output))
        return result

    return run
