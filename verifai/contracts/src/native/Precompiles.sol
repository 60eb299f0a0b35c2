// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

// What the contract takes from the chain: SHA-256 (2) for the digest of a key, and for the opening EIP-198
// (5), EIP-196 (6, 7), EIP-197 (8).

/// @dev The chain lacks a precompile. A call to an address without code succeeds and answers nothing:
/// buffers keep what was in them, and no verification could be believed.
error PrecompileMissing(uint256 precompile);

/// @dev Ask each of them something once, when the verifier is deployed.
function requirePrecompiles() view {
    _require(2, "", abi.encode(0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855));
    // 2^2 mod 3 = 1
    _require(5, abi.encode(32, 32, 32, 2, 2, 3), abi.encode(1));
    // G + G = 2 G
    bytes memory twice = abi.encode(
        0x030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3,
        0x15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4
    );
    _require(6, abi.encode(1, 2, 1, 2), twice);
    _require(7, abi.encode(1, 2, 2), twice);
    // e(G, H2) is not 1; of no pairs the product is
    bytes memory pair = abi.encode(
        1,
        2,
        0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2,
        0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed,
        0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b,
        0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa
    );
    _require(8, pair, abi.encode(0));
    _require(8, "", abi.encode(1));
}

function _require(uint256 precompile, bytes memory question, bytes memory expected) view {
    (bool ok, bytes memory answer) = address(uint160(precompile)).staticcall(question);
    if (!ok || keccak256(answer) != keccak256(expected)) revert PrecompileMissing(precompile);
}
