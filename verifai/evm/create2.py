"""Addresses that follow from a contract's code: the deterministic deployment proxy and CREATE2.

The proxy stands at the same address on practically every chain. What it creates stands where the
proxy, a salt and the creation code with its arguments put it (EIP-1014), so code at such an
address can be no other.
"""

from __future__ import annotations

from typing import Final

from verifai.evm.abi import checksum, keccak

#: github.com/Arachnid/deterministic-deployment-proxy, present on practically every chain.
PROXY: Final = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
#: What must stand at that address.
PROXY_CODE: Final = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f5"
    "8015156039578182fd5b8082525050506014600cf3"
)
#: Its deployment, signed by nobody: the signature is made up, and the account follows from it.
PROXY_TRANSACTION: Final = bytes.fromhex(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b80825250505060"
    "14600cf31ba02222222222222222222222222222222222222222222222222222222222222222a0222222222222222222"
    "2222222222222222222222222222222222222222222222"
)
PROXY_SENDER: Final = "0x3fAB184622Dc19b6109349B94811493BF2a45362"
#: 100,000 gas at the 100 gwei of that transaction.
PROXY_COST: Final = 10**16
#: Nothing in the creation code tells two deployments apart but its arguments.
SALT: Final = bytes(32)


def create2_address(creation: bytes, salt: bytes = SALT) -> str:
    """Where the proxy puts a contract with this creation code (EIP-55)."""
    packed = b"\xff" + bytes.fromhex(PROXY[2:]) + salt + keccak(creation)
    return checksum("0x" + keccak(packed)[12:].hex())
