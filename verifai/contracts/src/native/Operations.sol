// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {
    NAME_0, NAME_2, NAME_4, NAME_MASK, PRIME_AT, ROOM_AT, SCRATCH_AT, VECTORS_AT, refuse, word
} from "./Memory.sol";
import {eqRange, evaluate, dot, total, interval} from "./Field.sol";

// The operations of the compact table (docs/specs/evm-verifier.md). All that they name was checked
// when the circuit was registered: scalars that exist, vectors within their memory.

uint256 constant OP_PAIRS = 1;
uint256 constant OP_INTERVAL = 2;
uint256 constant OP_PRODUCT = 3;
uint256 constant OP_DOT = 4;
uint256 constant OP_EQ_SLOTS = 5;
uint256 constant OP_EQ_RANGE = 6;
uint256 constant OP_COMBINE = 7;
uint256 constant OP_SCATTER = 8;
uint256 constant OP_TOTAL = 9;
uint256 constant OP_CONTRACT = 10;
uint256 constant OP_ENTRYWISE = 11;
uint256 constant OP_PLACE = 12;
uint256 constant OP_POINT = 13;
uint256 constant OP_BILINEAR = 14;
uint256 constant OP_PREFIX = 15;
uint256 constant OP_EQ_AT = 16;
uint256 constant OP_BETWEEN = 17;
uint256 constant OP_EVALUATE = 18;
uint256 constant OP_EQ_ROWS = 19;
uint256 constant OP_END = 0;
uint256 constant DROPPED = 0xffffff;

/// @dev Run all operations at `at`; new scalars are appended at `top`. Where they end.
function runOperations(uint256 at, uint256 top) pure returns (uint256 end) {
    uint256 base = word(VECTORS_AT);
    unchecked {
        while (true) {
            (at, top) = _frequent(at, top);
            uint256 w = word(at);
            uint256 op = w >> 248;
            if (op == OP_INTERVAL) {
                uint256 count = (w >> 240) & 0xff;
                w = interval(
                    at + 12,
                    count,
                    (w >> 232) & 0xff,
                    (w >> 200) & 0xffffffff,
                    (w >> 160) & 0xffffffffff
                );
                at += 12 + 2 * count;
            } else if (op == OP_DOT) {
                w = dot(base + _scaled(w, 224), base + _scaled(w, 200), (w >> 176) & 0xffffff);
                at += 10;
            } else if (op == OP_EQ_SLOTS) {
                uint256 count = (w >> 176) & 0xffff;
                eqRange(top, _name(w, 232), (w >> 224) & 0xff, (w >> 192) & 0xffffffff, count);
                top += count << 5;
                at += 10;
                continue;
            } else if (op == OP_END) {
                return at + 1;
            } else if (op == OP_BILINEAR) {
                w = _bilinear(w, base);
                at += 22;
            } else if (op == OP_EVALUATE) {
                w = evaluate(
                    base + _scaled(w, 224),
                    (w >> 200) & 0xffffff,
                    _name(w, 184),
                    (w >> 176) & 0xff,
                    word(SCRATCH_AT)
                );
                at += 10;
            } else if (op == OP_TOTAL) {
                w = total(base + _scaled(w, 224), (w >> 200) & 0xffffff);
                at += 7;
            } else if (op == OP_POINT) {
                (at, top) = _point(at + 2, (w >> 240) & 0xff, top);
                continue;
            } else {
                at = _vector(op, w, at, base);
                continue;
            }
            assembly {
                mstore(top, w)
            }
            top += 32;
        }
    }
}

/// @dev Sums of products and products, until another operation comes.
function _frequent(uint256 at, uint256 top) pure returns (uint256, uint256) {
    assembly {
        // The sum over i < end of eq(x, i) eq(y, i), or of eq(x, i) if y is 0, for an
        // operation w that has n, y and x. Bits of `end` are shifted out at the top.
        function prefix(w, end, prime) -> sum {
            let n := byte(1, w)
            let x := and(shr(NAME_4, w), NAME_MASK)
            w := and(shr(NAME_2, w), NAME_MASK)
            // sum: over the prefixes below that of `end`; path: at the prefix of `end` itself
            sum := shr(n, end)
            let path := iszero(sum)
            end := shl(sub(256, n), end)
            if iszero(w) {
                for {} end { end := shl(1, end) } {
                    let one := mulmod(path, mload(x), prime)
                    path := addmod(path, sub(prime, one), prime)
                    if slt(end, 0) {
                        sum := addmod(sum, path, prime)
                        path := one
                    }
                    x := add(x, 0x20)
                }
                leave
            }
            n := add(x, shl(5, n))
            w := sub(w, x)
            for {} end { end := shl(1, end) } {
                let one := mload(x)
                let zero := mload(add(x, w))
                // (1 - a) (1 - b) = 1 - a - b + a b
                let rest := sub(mload(ROOM_AT), add(one, zero))
                one := mulmod(one, zero, prime)
                zero := add(rest, one)
                sum := mulmod(sum, add(one, zero), prime)
                zero := mulmod(path, zero, prime)
                if slt(end, 0) {
                    sum := add(sum, zero)
                    zero := mulmod(path, one, prime)
                }
                path := zero
                x := add(x, 0x20)
            }
            // below the last bit that is set: all indices, two coordinates at a time
            for {} lt(x, n) { x := add(x, 0x40) } {
                let a := mload(x)
                let b := mload(add(x, w))
                sum := mulmod(
                    sum, sub(add(shl(1, mulmod(a, b, prime)), mload(ROOM_AT)), add(a, b)), prime
                )
                a := add(x, 0x20)
                if eq(a, n) { break }
                b := mload(add(a, w))
                a := mload(a)
                sum := mulmod(
                    sum, sub(add(shl(1, mulmod(a, b, prime)), mload(ROOM_AT)), add(a, b)), prime
                )
            }
            sum := mod(sum, prime)
        }

        let prime := mload(PRIME_AT)
        for {} 1 { top := add(top, 0x20) } {
            let w := mload(at)
            let op := byte(0, w)
            if eq(op, OP_PREFIX) {
                at := add(at, 10)
                mstore(top, prefix(w, and(shr(176, w), 0xffffffff), prime))
                continue
            }
            if eq(op, OP_PAIRS) {
                at := add(at, 3)
                let limit := add(at, shl(2, and(shr(232, w), 0xffff)))
                let sum := 0
                for {} lt(at, limit) { at := add(at, 4) } {
                    w := mload(at)
                    sum := addmod(
                        sum,
                        mulmod(
                            mload(and(shr(NAME_0, w), NAME_MASK)),
                            mload(and(shr(NAME_2, w), NAME_MASK)),
                            prime
                        ),
                        prime
                    )
                }
                mstore(top, sum)
                continue
            }
            if eq(op, OP_PRODUCT) {
                let limit := add(at, shl(1, byte(1, w)))
                at := add(at, 4)
                let v := mload(and(shr(NAME_2, w), NAME_MASK))
                for { limit := add(limit, 2) } lt(at, limit) { at := add(at, 2) } {
                    v := mulmod(v, mload(and(shr(NAME_0, mload(at)), NAME_MASK)), prime)
                }
                mstore(top, v)
                continue
            }
            if eq(op, OP_EQ_AT) {
                at := add(at, 8)
                let n := byte(1, w)
                let x := and(shr(NAME_2, w), NAME_MASK)
                w := shr(192, w)
                let e := 1
                for {} n { x := add(x, 0x20) } {
                    n := sub(n, 1)
                    // 1 - x, or x
                    let a := mload(x)
                    let b := sub(add(prime, 1), a)
                    e := mulmod(e, xor(b, mul(xor(a, b), and(shr(n, w), 1))), prime)
                }
                mstore(top, e)
                continue
            }
            if eq(op, OP_BETWEEN) {
                at := add(at, 14)
                let v := prefix(w, and(shr(176, w), 0xffffffff), prime)
                w := prefix(w, and(shr(144, w), 0xffffffff), prime)
                mstore(top, addmod(v, sub(prime, w), prime))
                continue
            }
            break
        }
    }
    return (at, top);
}

/// @dev The sum over i, j of a[i] b[j] e[offset + stride i + j], e being 0 outside.
function _bilinear(uint256 w, uint256 base) pure returns (uint256 sum) {
    unchecked {
        uint256 a = base + _scaled(w, 224);
        uint256 b = base + _scaled(w, 184);
        uint256 e = base + _scaled(w, 144);
        uint256 size = (w >> 128) & 0xffff;
        uint256 inner = (w >> 168) & 0xffff;
        uint256 place;
        assembly {
            place := signextend(3, shr(96, w))
        }
        for (uint256 left = (w >> 208) & 0xffff; left != 0; --left) {
            uint256 first;
            uint256 count = inner;
            assembly {
                // the part of b that meets e
                first := mul(sub(0, place), slt(place, 0))
                if sgt(add(place, count), size) { count := sub(size, place) }
                if slt(count, first) { count := first }
            }
            if (count > first) {
                uint256 d = dot(b + (first << 5), e + ((place + first) << 5), count - first);
                assembly {
                    sum := addmod(sum, mulmod(d, mload(a), mload(PRIME_AT)), mload(PRIME_AT))
                }
            }
            a += 32;
            place += (w >> 80) & 0xffff;
        }
    }
}

/// @dev 32 times the three bytes of `w` above bit `shift`: the offset of a vector.
function _scaled(uint256 w, uint256 shift) pure returns (uint256 v) {
    assembly {
        v := shl(5, and(shr(shift, w), 0xffffff))
    }
}

/// @dev The address of the word that two bytes of `w` name.
function _name(uint256 w, uint256 shift) pure returns (uint256 v) {
    assembly {
        v := shl(5, and(shr(shift, w), 0xffff))
    }
}

function _point(uint256 at, uint256 count, uint256 top) pure returns (uint256 end, uint256 newTop) {
    assembly {
        end := add(at, shl(1, count))
        newTop := top
        for {} lt(at, end) { at := add(at, 2) } {
            mstore(newTop, mload(and(shr(NAME_0, mload(at)), NAME_MASK)))
            newTop := add(newTop, 0x20)
        }
    }
}

/// @dev An operation with a vector for a result.
function _vector(uint256 op, uint256 w, uint256 at, uint256 base) pure returns (uint256) {
    unchecked {
        uint256 to = base + _scaled(w, 224);
        if (op == OP_EQ_RANGE) {
            eqRange(
                to, _name(w, 208), (w >> 200) & 0xff, (w >> 168) & 0xffffffff, (w >> 144) & 0xffffff
            );
            return at + 14;
        }
        if (op == OP_COMBINE) {
            return _combine(at + 8, to, (w >> 200) & 0xffffff, (w >> 192) & 0xff, base);
        }
        if (op == OP_SCATTER) return _scatter(at, to, w, base);
        if (op == OP_CONTRACT) {
            _contract(to, base + _scaled(w, 200), base + _scaled(w, 176), w);
            return at + 19;
        }
        if (op == OP_ENTRYWISE) {
            uint256 a = base + _scaled(w, 200);
            uint256 b = base + _scaled(w, 176);
            uint256 count = (w >> 152) & 0xffffff;
            assembly {
                for { let end := add(to, shl(5, count)) } lt(to, end) { to := add(to, 0x20) } {
                    mstore(to, mulmod(mload(a), mload(b), mload(PRIME_AT)))
                    a := add(a, 0x20)
                    b := add(b, 0x20)
                }
            }
            return at + 13;
        }
        if (op == OP_PLACE) return _place(at, to, w, base);
        return _eqRows(at + 21, to, w, base);
    }
}

/// @dev eq(x, start + step id + i) for i < step and each id, whose lanes lie at `at`. Refuses a
/// statement with an id beyond the last row.
function _eqRows(uint256 at, uint256 to, uint256 w, uint256 base) pure returns (uint256 end) {
    uint256 beyond;
    assembly {
        // eq at the point of n scalars at x
        function eq_(x, n, i) -> e {
            e := 1
            for {} n { x := add(x, 0x20) } {
                n := sub(n, 1)
                let a := mload(x)
                let b := sub(add(mload(PRIME_AT), 1), a)
                e := mulmod(e, xor(b, mul(xor(a, b), and(shr(n, i), 1))), mload(PRIME_AT))
            }
        }

        end := add(at, mul(3, and(shr(200, w), 0xffffff)))
        for {} lt(at, end) { at := add(at, 3) } {
            // the first bit of the lane, of words of 128 bits
            let id := mul(shr(232, mload(at)), byte(7, w))
            id := and(
                shr(and(id, 127), mload(add(base, shl(5, shr(7, id))))), sub(shl(byte(7, w), 1), 1)
            )
            beyond := or(beyond, gt(id, and(shr(168, w), 0xffffff)))
            id := add(and(shr(136, w), 0xffffffff), mul(id, and(shr(112, w), 0xffffff)))
            for { let limit := add(id, and(shr(112, w), 0xffffff)) } lt(id, limit) {
                id := add(id, 1)
            } {
                mstore(to, eq_(and(shr(91, w), NAME_MASK), byte(20, w), id))
                to := add(to, 0x20)
            }
        }
    }
    if (beyond != 0) refuse("ids");
}

/// @dev The sum of scalar times vector; the parts lie at `at`.
function _combine(uint256 at, uint256 to, uint256 length, uint256 parts, uint256 base)
    pure
    returns (uint256 end)
{
    assembly {
        let prime := mload(PRIME_AT)
        end := add(at, mul(5, parts))
        let limit := add(to, shl(5, length))
        for { let first := 1 } lt(at, end) {
            at := add(at, 5)
            first := 0
        } {
            let w := mload(at)
            let s := mload(and(shr(NAME_0, w), NAME_MASK))
            let v := sub(add(base, shl(5, and(shr(216, w), 0xffffff))), to)
            switch first
            case 1 {
                for { let d := to } lt(d, limit) { d := add(d, 0x20) } {
                    mstore(d, mulmod(s, mload(add(v, d)), prime))
                }
            }
            default {
                for { let d := to } lt(d, limit) { d := add(d, 0x20) } {
                    mstore(d, addmod(mload(d), mulmod(s, mload(add(v, d)), prime), prime))
                }
            }
        }
    }
}

/// @dev out[offset + sum stride * index] += product of the parts at their indices.
function _scatter(uint256 at, uint256 to, uint256 w, uint256 base) pure returns (uint256) {
    unchecked {
        uint256 length = (w >> 200) & 0xffffff;
        int256 offset;
        uint256 parts = (w >> 160) & 0xff;
        assembly {
            offset := signextend(3, shr(168, w))
            // the vector may lie where others lay before
            calldatacopy(to, calldatasize(), shl(5, length))
        }
        _scatterPart(at + 12, parts, to, length << 5, uint256(offset << 5), 1, base);
        return at + 12 + 10 * parts;
    }
}

function _scatterPart(
    uint256 at,
    uint256 parts,
    uint256 to,
    uint256 size,
    uint256 place,
    uint256 factor,
    uint256 base
) pure {
    unchecked {
        uint256 w = word(at);
        uint256 v = base + _scaled(w, 232);
        uint256 end = v + _scaled(w, 208);
        uint256 stride;
        assembly {
            stride := shl(5, signextend(3, shr(176, w)))
        }
        if (parts == 1) {
            uint256 last = place + ((end - v) >> 5) * stride - stride;
            assembly {
                let prime := mload(PRIME_AT)
                switch and(lt(place, size), lt(last, size))
                case 1 {
                    // all of a straight line between two places that exist
                    let d := add(to, place)
                    for {} lt(v, end) { v := add(v, 0x20) } {
                        mstore(d, addmod(mload(d), mulmod(factor, mload(v), prime), prime))
                        d := add(d, stride)
                    }
                }
                default {
                    for {} lt(v, end) { v := add(v, 0x20) } {
                        if lt(place, size) {
                            let d := add(to, place)
                            mstore(d, addmod(mload(d), mulmod(factor, mload(v), prime), prime))
                        }
                        place := add(place, stride)
                    }
                }
            }
            return;
        }
        for (; v < end; v += 32) {
            uint256 f;
            assembly {
                f := mulmod(factor, mload(v), mload(PRIME_AT))
            }
            _scatterPart(at + 10, parts - 1, to, size, place, f, base);
            place += stride;
        }
    }
}

/// @dev out[a, k] = sum over i of v[a, i, k] e[i]
function _contract(uint256 to, uint256 v, uint256 e, uint256 w) pure {
    uint256 inner;
    uint256 step;
    uint256 end;
    unchecked {
        inner = _scaled(w, 128);
        step = _scaled(w, 104);
        end = to + ((w >> 152) & 0xffffff) * step;
    }
    assembly {
        let prime := mload(PRIME_AT)
        let limit := add(e, inner)
        for { let k := 0 } lt(to, end) { to := add(to, 0x20) } {
            let sum := 0
            let at := add(v, k)
            for { let i := e } lt(i, limit) { i := add(i, 0x20) } {
                sum := addmod(sum, mulmod(mload(at), mload(i), prime), prime)
                at := add(at, step)
            }
            mstore(to, sum)
            k := add(k, 0x20)
            if eq(k, step) {
                k := 0
                v := sub(at, sub(step, 0x20))
            }
        }
    }
}

/// @dev out[places[i]] += v[i]
function _place(uint256 at, uint256 to, uint256 w, uint256 base) pure returns (uint256 end) {
    unchecked {
        uint256 size = ((w >> 200) & 0xffffff) << 5;
        uint256 v = base + _scaled(w, 176);
        uint256 count = (w >> 152) & 0xffffff;
        assembly {
            calldatacopy(to, calldatasize(), size)
            at := add(at, 13)
            end := add(at, mul(3, count))
            for {} lt(at, end) { at := add(at, 3) } {
                let place := shr(232, mload(at))
                if iszero(eq(place, DROPPED)) {
                    let d := add(to, shl(5, place))
                    mstore(d, addmod(mload(d), mload(v), mload(PRIME_AT)))
                }
                v := add(v, 0x20)
            }
        }
    }
}
