// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {NAME_0, NAME_MASK, PRIME_AT, bitsOf, word} from "./Memory.sol";

// Tables of eq and inner products. Points have the coordinate of the most significant bit first.

/// @dev eq(point, start), .., eq(point, start + count - 1) at `to`.
function eqRange(uint256 to, uint256 point, uint256 n, uint256 start, uint256 count) pure {
    unchecked {
        uint256 last = start + count - 1;
        // coordinates from the highest bit in which first and last address differ
        uint256 rest = bitsOf((start ^ last) + 1);
        uint256 root = eqAt(point, n - rest, start >> rest);
        assembly {
            mstore(to, root)
        }
        if (rest == 0) return;
        point += (n - rest) << 5;
        if (start & ((1 << rest) - 1) == 0) _aligned(to, point, rest, count);
        else _unaligned(to, point, rest, start, last);
    }
}

/// @dev From eq at the top, which lies at `to`: the first `count` entries of a window of 2^n, more
/// than half of it. The last coordinate first, each doubling the table.
function _aligned(uint256 to, uint256 point, uint256 n, uint256 count) pure {
    assembly {
        let prime := mload(PRIME_AT)
        let size := 0x20
        let end := add(to, shl(5, count))
        let c := add(point, shl(5, n))
        if gt(count, 3) {
            // the last two coordinates at once
            size := 0x80
            c := sub(c, 0x40)
            let v := mload(to)
            let high := mulmod(v, mload(c), prime)
            v := addmod(v, sub(prime, high), prime)
            let x := mload(add(c, 0x20))
            let w := mulmod(high, x, prime)
            mstore(add(to, 0x60), w)
            mstore(add(to, 0x40), addmod(high, sub(prime, w), prime))
            w := mulmod(v, x, prime)
            mstore(add(to, 0x20), w)
            mstore(to, addmod(v, sub(prime, w), prime))
        }
        for {} gt(c, point) {} {
            c := sub(c, 0x20)
            let x := mload(c)
            let at := to
            // what has a partner above, four at a time; then what has none
            let limit := add(to, size)
            if gt(add(limit, size), end) { limit := sub(end, size) }
            for { let bound := sub(limit, 0x60) } lt(at, bound) { at := add(at, 0x80) } {
                let v := mload(at)
                let w := mulmod(v, x, prime)
                mstore(add(at, size), w)
                mstore(at, addmod(v, sub(prime, w), prime))
                v := mload(add(at, 0x20))
                w := mulmod(v, x, prime)
                mstore(add(add(at, size), 0x20), w)
                mstore(add(at, 0x20), addmod(v, sub(prime, w), prime))
                v := mload(add(at, 0x40))
                w := mulmod(v, x, prime)
                mstore(add(add(at, size), 0x40), w)
                mstore(add(at, 0x40), addmod(v, sub(prime, w), prime))
                v := mload(add(at, 0x60))
                w := mulmod(v, x, prime)
                mstore(add(add(at, size), 0x60), w)
                mstore(add(at, 0x60), addmod(v, sub(prime, w), prime))
            }
            for {} lt(at, limit) { at := add(at, 0x20) } {
                let v := mload(at)
                let w := mulmod(v, x, prime)
                mstore(add(at, size), w)
                mstore(at, addmod(v, sub(prime, w), prime))
            }
            x := sub(add(prime, 1), x)
            for { limit := add(to, size) } lt(at, limit) { at := add(at, 0x20) } {
                mstore(at, mulmod(mload(at), x, prime))
            }
            size := shl(1, size)
        }
    }
}

/// @dev The same for a range that begins within a window: level by level, prefixes of the addresses
/// asked for.
function _unaligned(uint256 to, uint256 point, uint256 n, uint256 start, uint256 last) pure {
    unchecked {
        uint256 low = start >> n;
        uint256 high = low;
        while (n != 0) {
            --n;
            uint256 src = to + ((high - low) << 5);
            low = start >> n;
            high = last >> n;
            _level(to, src, to + ((high - low) << 5), point, high & 1);
            point += 32;
        }
    }
}

/// @dev One level, from the last parent to the first, so that none is overwritten before it is read.
/// `full`: whether the last parent has both children.
function _level(uint256 to, uint256 src, uint256 dst, uint256 x, uint256 full) pure {
    assembly {
        let prime := mload(PRIME_AT)
        x := mload(x)
        if iszero(full) {
            mstore(dst, mulmod(mload(src), sub(add(prime, 1), x), prime))
            src := sub(src, 0x20)
            dst := sub(dst, 0x20)
        }
        for {} gt(dst, to) {} {
            let v := mload(src)
            let w := mulmod(v, x, prime)
            mstore(dst, w)
            mstore(sub(dst, 0x20), addmod(v, sub(prime, w), prime))
            src := sub(src, 0x20)
            dst := sub(dst, 0x40)
        }
        if eq(dst, to) { mstore(dst, mulmod(mload(src), x, prime)) }
    }
}

/// @dev eq(point, index).
function eqAt(uint256 point, uint256 n, uint256 index) pure returns (uint256 e) {
    assembly {
        let prime := mload(PRIME_AT)
        e := 1
        for {} n {} {
            n := sub(n, 1)
            let x := mload(point)
            point := add(point, 0x20)
            // 1 - x, or x
            let y := sub(add(prime, 1), x)
            e := mulmod(e, xor(y, mul(xor(x, y), and(shr(n, index), 1))), prime)
        }
    }
}

/// @dev The sum of v[i] eq(point, i) over `count` entries, most of 2^n: folded pair by pair, the last
/// coordinate first, into the memory at `free`.
function evaluate(uint256 v, uint256 count, uint256 point, uint256 n, uint256 free)
    pure
    returns (uint256 value)
{
    unchecked {
        for (; n != 0; --n) {
            _fold(v, count, word(point + (n << 5) - 32), free);
            v = free;
            count = (count + 1) >> 1;
        }
    }
    return word(v);
}

function _fold(uint256 v, uint256 count, uint256 x, uint256 to) pure {
    assembly {
        let prime := mload(PRIME_AT)
        let end := add(v, shl(6, shr(1, count)))
        for {} lt(add(v, 0x40), end) { v := add(v, 0x80) } {
            let a := mload(v)
            mstore(to, addmod(a, mulmod(add(mload(add(v, 0x20)), sub(prime, a)), x, prime), prime))
            a := mload(add(v, 0x40))
            mstore(
                add(to, 0x20),
                addmod(a, mulmod(add(mload(add(v, 0x60)), sub(prime, a)), x, prime), prime)
            )
            to := add(to, 0x40)
        }
        if lt(v, end) {
            let a := mload(v)
            mstore(to, addmod(a, mulmod(add(mload(add(v, 0x20)), sub(prime, a)), x, prime), prime))
            to := add(to, 0x20)
            v := end
        }
        if and(count, 1) {
            let a := mload(v)
            mstore(to, addmod(a, mulmod(sub(prime, a), x, prime), prime))
        }
    }
}

/// @dev The inner product of `count` entries at `a` and `b`.
function dot(uint256 a, uint256 b, uint256 count) pure returns (uint256 sum) {
    assembly {
        let prime := mload(PRIME_AT)
        let end := add(a, shl(5, count))
        // five products fit into a word
        for { let limit := sub(end, 0xe0) } lt(a, limit) {
            a := add(a, 0x100)
            b := add(b, 0x100)
        } {
            let s := add(sum, mulmod(mload(a), mload(b), prime))
            s := add(s, mulmod(mload(add(a, 0x20)), mload(add(b, 0x20)), prime))
            s := add(s, mulmod(mload(add(a, 0x40)), mload(add(b, 0x40)), prime))
            sum := addmod(s, mulmod(mload(add(a, 0x60)), mload(add(b, 0x60)), prime), prime)
            s := add(sum, mulmod(mload(add(a, 0x80)), mload(add(b, 0x80)), prime))
            s := add(s, mulmod(mload(add(a, 0xa0)), mload(add(b, 0xa0)), prime))
            s := add(s, mulmod(mload(add(a, 0xc0)), mload(add(b, 0xc0)), prime))
            sum := addmod(s, mulmod(mload(add(a, 0xe0)), mload(add(b, 0xe0)), prime), prime)
        }
        for {} lt(a, end) {
            a := add(a, 0x20)
            b := add(b, 0x20)
        } { sum := addmod(sum, mulmod(mload(a), mload(b), prime), prime) }
    }
}

/// @dev The sum of `count` entries.
function total(uint256 a, uint256 count) pure returns (uint256 sum) {
    assembly {
        let prime := mload(PRIME_AT)
        for { let end := add(a, shl(5, count)) } lt(a, end) { a := add(a, 0x20) } {
            sum := addmod(sum, mload(a), prime)
        }
    }
}

/// @dev The sum over start <= i < end of the product over `count` points of eq(point, i). The
/// points are words named by two bytes each at `names`; they have n coordinates.
function interval(uint256 names, uint256 count, uint256 n, uint256 start, uint256 end)
    pure
    returns (uint256 sum)
{
    sum = _prefixOfMany(names, count, n, end);
    if (start != 0) start = _prefixOfMany(names, count, n, start);
    assembly {
        sum := addmod(sum, sub(mload(PRIME_AT), start), mload(PRIME_AT))
    }
}

/// @dev The sum over i < end.
function _prefixOfMany(uint256 names, uint256 count, uint256 n, uint256 end)
    pure
    returns (uint256 sum)
{
    assembly {
        let prime := mload(PRIME_AT)
        sum := shr(n, end)
        let path := iszero(sum)
        let limit := add(names, shl(1, count))
        for { let offset := 0 } n { offset := add(offset, 0x20) } {
            n := sub(n, 1)
            let one := 1
            let zero := 1
            for { let name := names } lt(name, limit) { name := add(name, 2) } {
                let x := mload(add(and(shr(NAME_0, mload(name)), NAME_MASK), offset))
                one := mulmod(one, x, prime)
                zero := mulmod(zero, sub(add(prime, 1), x), prime)
            }
            sum := mulmod(sum, add(one, zero), prime)
            switch and(shr(n, end), 1)
            case 0 { path := mulmod(path, zero, prime) }
            default {
                sum := add(sum, mulmod(path, zero, prime))
                path := mulmod(path, one, prime)
            }
        }
        sum := mod(sum, prime)
    }
}
