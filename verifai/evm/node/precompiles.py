"""The BN254 precompiles (EIP-196, EIP-197) of the embedded chain, by the native module.

py-evm computes them in pure Python: a pairing takes 0.4 s. Gas, failures and their order are
py-evm's. Without the native module the embedded chain keeps what py-evm has.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

#: Gas since Istanbul (EIP-1108): sum, multiple, pairing without and with each pair.
ADD_GAS, MUL_GAS, PAIRING_GAS, PAIR_GAS = 150, 6_000, 45_000, 34_000
#: Bytes of a pair.
_PAIR: Final = 192

Precompile = Callable[[Any], Any]


def bn254_precompiles() -> dict[bytes, Precompile]:
    """Replacements for 0x06, 0x07 and 0x08, by address; none without the native module."""
    try:
        core = importlib.import_module("verifai._native")
    except ImportError:
        return {}
    found = (
        _precompile("ECADD", core.bn254_add, lambda data: ADD_GAS),
        _precompile("ECMUL", core.bn254_mul, lambda data: MUL_GAS),
        _precompile("ECPAIRING", core.bn254_pairing, _pairing_gas),
    )
    return {number.to_bytes(20, "big"): one for number, one in enumerate(found, start=6)}


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
            computation.consume_gas(price(data), reason=f"{name} Precompile")
            computation.output = bytes(compute(data))
        except ValueError:
            raise VMError(f"Invalid {name} parameters") from None
        return computation

    return run
