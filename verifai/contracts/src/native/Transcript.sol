// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {P, BASE_PRIME_AT, PRIME_AT, STATE, SCRATCH_AT, refuse, word} from "./Memory.sol";

// The Keccak transcript, and the messages that are read through it: decoded strictly, absorbed, and
// only then used. `p` is the offset of a message in calldata; each function returns the next one.

/// @dev Keccak-256 of "verifai-native-2".
uint256 constant START = 0x49c1f7bf0c21856fcf9c6ee40be8134c88fe146a54f21efeaf6a261d3b2b552c;

/// @dev Absorb the 32 bytes `value`.
function absorbWord(uint256 header, uint256 value) pure {
    assembly {
        mstore(add(STATE, 0x20), or(header, shl(176, 32)))
        mstore(add(STATE, 0x40), value)
        mstore(STATE, keccak256(STATE, 0x60))
    }
}

/// @dev Absorb `bytesLength` bytes that lie at `at`; the 64 bytes before are overwritten.
function absorbAt(uint256 header, uint256 at, uint256 bytesLength) pure {
    assembly {
        mstore(sub(at, 0x40), mload(STATE))
        mstore(sub(at, 0x20), or(header, shl(176, bytesLength)))
        mstore(STATE, keccak256(sub(at, 0x40), add(bytesLength, 0x40)))
    }
}

/// @dev Draw an element of F.
function draw(uint256 header) pure returns (uint256 c) {
    assembly {
        mstore(add(STATE, 0x20), header)
        c := keccak256(STATE, 0x40)
        mstore(STATE, c)
        c := mod(c, mload(PRIME_AT))
    }
}

/// @dev Draw `count` elements into memory; the end.
function drawMany(uint256 header, uint256 to, uint256 count) pure returns (uint256 end) {
    assembly {
        end := add(to, shl(5, count))
        mstore(add(STATE, 0x20), header)
        for {} lt(to, end) { to := add(to, 0x20) } {
            let c := keccak256(STATE, 0x40)
            mstore(STATE, c)
            mstore(to, mod(c, mload(PRIME_AT)))
        }
    }
}

/// @dev A message of `count` scalars, copied to `to`, below which 64 bytes are free. An empty one
/// is not sent.
function scalarsTo(uint256 header, uint256 p, uint256 count, uint256 to)
    pure
    returns (uint256 next)
{
    if (count == 0) return p;
    uint256 bad;
    assembly {
        let size := shl(5, count)
        calldatacopy(to, p, size)
        next := add(p, size)
        let end := add(to, size)
        for { let at := to } lt(at, end) { at := add(at, 0x20) } {
            bad := or(bad, iszero(lt(mload(at), mload(PRIME_AT))))
        }
    }
    if (bad != 0) refuse(bytes32(header << 80));
    unchecked {
        absorbAt(header, to, count << 5);
    }
}

/// @dev A message of scalars that nobody needs in memory for long.
function scalars(uint256 header, uint256 p, uint256 count) pure returns (uint256) {
    return scalarsTo(header, p, count, word(SCRATCH_AT));
}

/// @dev A message of one scalar.
function scalar(uint256 header, uint256 p) pure returns (uint256 next, uint256 value) {
    assembly {
        value := calldataload(p)
        next := add(p, 0x20)
    }
    if (value >= P) refuse(bytes32(header << 80));
    absorbWord(header, value);
}

/// @dev A message of `count` points on the curve, infinity (zeros) included.
function points(uint256 header, uint256 p, uint256 count) pure returns (uint256 next) {
    if (count == 0) return p;
    uint256 good = 1;
    uint256 to = word(SCRATCH_AT);
    uint256 size;
    assembly {
        size := shl(6, count)
        next := add(p, size)
        calldatacopy(to, p, size)
        for { let at := to } lt(at, add(to, size)) { at := add(at, 0x40) } {
            let x := mload(at)
            let y := mload(add(at, 0x20))
            let curve := eq(mulmod(y, y, mload(BASE_PRIME_AT)), addmod(mulmod(x, mulmod(x, x, mload(BASE_PRIME_AT)), mload(BASE_PRIME_AT)), 3, mload(BASE_PRIME_AT)))
            good := and(good, or(iszero(or(x, y)), and(curve, and(lt(x, mload(BASE_PRIME_AT)), lt(y, mload(BASE_PRIME_AT))))))
        }
    }
    if (good == 0) refuse(bytes32(header << 80));
    absorbAt(header, to, size);
}
