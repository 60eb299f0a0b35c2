// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {P, PRIME_AT, HALF, STATE, refuse} from "./Memory.sol";

// Rounds of sumchecks. A message is s(0), s(2), .., s(d), with s(1) = claim - s(0); the next claim is
// the value of s at the challenge.

/// @dev 1 / 6!
uint256 constant INV_720 = 0x134a1dd92b8ae47707b110691abbbc779f506c97335d7950a8ecea115e99999a;

/// @dev `rounds` rounds of degree 2. Challenges go to `to`. The claim after them is
/// factor * (first claim) + running.
function quadratic(
    uint256 message,
    uint256 challenge,
    uint256 p,
    uint256 rounds,
    uint256 to
) pure returns (uint256 next, uint256 end, uint256 factor, uint256 running) {
    uint256 bad;
    assembly {
        let prime := mload(PRIME_AT)
        factor := 1
        end := add(to, shl(5, rounds))
        next := p
        message := or(message, shl(176, 64))
        for {} lt(to, end) { to := add(to, 0x20) } {
            calldatacopy(add(STATE, 0x40), next, 0x40)
            next := add(next, 0x40)
            mstore(add(STATE, 0x20), message)
            let s0 := mload(add(STATE, 0x40))
            let s2 := mload(add(STATE, 0x60))
            bad := or(bad, or(iszero(lt(s0, prime)), iszero(lt(s2, prime))))
            mstore(STATE, keccak256(STATE, 0x80))
            mstore(add(STATE, 0x20), challenge)
            let t := keccak256(STATE, 0x40)
            mstore(STATE, t)
            t := mod(t, prime)
            mstore(to, t)
            // basis at t: h - t + 1, t - 2 h, h with h = t (t - 1) / 2
            let h := mulmod(mulmod(t, HALF, prime), add(t, sub(prime, 1)), prime)
            let one := addmod(t, sub(shl(1, prime), shl(1, h)), prime)
            factor := mulmod(factor, one, prime)
            let weight := add(shl(1, sub(prime, t)), add(mul(3, h), 1))
            running := addmod(
                add(mulmod(running, one, prime), mulmod(s2, h, prime)), mulmod(s0, weight, prime), prime
            )
        }
    }
    if (bad != 0) refuse(bytes32(message << 80));
}

/// @dev `rounds` rounds of degree 6, the first claim being 0. Challenges go to `to`; for each
/// round the seven values of the basis go to `bases`.
function sextic(
    uint256 message,
    uint256 challenge,
    uint256 p,
    uint256 rounds,
    uint256 to,
    uint256 bases
) pure returns (uint256 next, uint256 end, uint256 claim) {
    uint256 bad;
    unchecked {
        end = to + (rounds << 5);
        next = p;
        message |= 192 << 176;
        for (; to < end; to += 32) {
            uint256 t;
            assembly {
                calldatacopy(add(STATE, 0x40), next, 0xc0)
                next := add(next, 0xc0)
                mstore(add(STATE, 0x20), message)
                mstore(STATE, keccak256(STATE, 0x100))
                mstore(add(STATE, 0x20), challenge)
                t := keccak256(STATE, 0x40)
                mstore(STATE, t)
                t := mod(t, mload(PRIME_AT))
                mstore(to, t)
            }
            _basis(bases, t);
            uint256 refused;
            (claim, refused) = _sexticAt(claim, bases);
            bad |= refused;
            bases += 0xe0;
        }
    }
    if (bad != 0) refuse(bytes32(message << 80));
}

/// @dev The basis of polynomials of degree 6 on 0, .., 6 at t.
function _basis(uint256 bases, uint256 t) pure {
    assembly {
        let prime := mload(PRIME_AT)
        // from above: (t - j - 1) .. (t - 6) / 720; t + P - j stays below 2 mload(PRIME_AT)
        let u := add(t, prime)
        let f := INV_720
        mstore(add(bases, 0xc0), f)
        f := mulmod(f, sub(u, 6), prime)
        mstore(add(bases, 0xa0), f)
        f := mulmod(f, sub(u, 5), prime)
        mstore(add(bases, 0x80), f)
        f := mulmod(f, sub(u, 4), prime)
        mstore(add(bases, 0x60), f)
        f := mulmod(f, sub(u, 3), prime)
        mstore(add(bases, 0x40), f)
        f := mulmod(f, sub(u, 2), prime)
        mstore(add(bases, 0x20), f)
        mstore(bases, mulmod(f, sub(u, 1), prime))
        // from below: t .. (t - j + 1), times 6! / (j! (6 - j)!) with alternating signs
        let at := add(bases, 0x20)
        mstore(at, mulmod(mulmod(t, mload(at), prime), sub(prime, 6), prime))
        t := mulmod(t, sub(u, 1), prime)
        at := add(bases, 0x40)
        mstore(at, mulmod(mulmod(t, mload(at), prime), 15, prime))
        t := mulmod(t, sub(u, 2), prime)
        at := add(bases, 0x60)
        mstore(at, mulmod(mulmod(t, mload(at), prime), sub(prime, 20), prime))
        t := mulmod(t, sub(u, 3), prime)
        at := add(bases, 0x80)
        mstore(at, mulmod(mulmod(t, mload(at), prime), 15, prime))
        t := mulmod(t, sub(u, 4), prime)
        at := add(bases, 0xa0)
        mstore(at, mulmod(mulmod(t, mload(at), prime), sub(prime, 6), prime))
        t := mulmod(t, sub(u, 5), prime)
        at := add(bases, 0xc0)
        mstore(at, mulmod(t, mload(at), prime))
    }
}

/// @dev The next claim, from the message that lies in the transcript's payload; whether one of its
/// scalars is not canonical.
function _sexticAt(uint256 claim, uint256 bases) pure returns (uint256 sum, uint256 refused) {
    assembly {
        let prime := mload(PRIME_AT)
        let s := mload(add(STATE, 0x40))
        refused := iszero(lt(s, prime))
        // s(1) = claim - s(0)
        sum := mulmod(s, mload(bases), prime)
        sum := add(sum, mulmod(add(claim, sub(prime, s)), mload(add(bases, 0x20)), prime))
        s := mload(add(STATE, 0x60))
        refused := or(refused, iszero(lt(s, prime)))
        sum := add(sum, mulmod(s, mload(add(bases, 0x40)), prime))
        s := mload(add(STATE, 0x80))
        refused := or(refused, iszero(lt(s, prime)))
        sum := add(sum, mulmod(s, mload(add(bases, 0x60)), prime))
        s := mload(add(STATE, 0xa0))
        refused := or(refused, iszero(lt(s, prime)))
        sum := addmod(sum, mulmod(s, mload(add(bases, 0x80)), prime), prime)
        s := mload(add(STATE, 0xc0))
        refused := or(refused, iszero(lt(s, prime)))
        sum := add(sum, mulmod(s, mload(add(bases, 0xa0)), prime))
        s := mload(add(STATE, 0xe0))
        refused := or(refused, iszero(lt(s, prime)))
        sum := addmod(sum, mulmod(s, mload(add(bases, 0xc0)), prime), prime)
    }
}
