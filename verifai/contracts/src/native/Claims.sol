// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import "./Memory.sol";
import {eqAt, eqRange, evaluate, total} from "./Field.sol";

// What the contract knows of the claims without the operations: the relation at the end of the
// zerocheck, the tables' sides, the ends of contractions, and all that hides.

/// @dev Claim 0's relation from the outputs of the operations (their names lie at `names`) and the
/// columns sent.
function relation(uint256 names, uint256 columns) pure returns (uint256 value) {
    uint256 hasProducts = u8(AT_FLAGS) & PRODUCTS;
    assembly {
        function output(at, i) -> v {
            v := mload(and(shr(NAME_0, mload(add(at, shl(1, i)))), NAME_MASK))
        }
        let alpha := mload(SLOT_ALPHA)
        let beta := mload(SLOT_BETA)
        function d(at, cols, i, a, b) -> v {
            let c := add(mload(add(cols, shl(5, i))), mulmod(b, output(at, add(5, i)), mload(PRIME_AT)))
            v := addmod(a, sub(shl(1, mload(PRIME_AT)), c), mload(PRIME_AT))
        }
        let d0 := d(names, columns, 0, alpha, beta)
        let d1 := d(names, columns, 1, alpha, beta)
        let d2 := d(names, columns, 2, alpha, beta)
        let d3 := d(names, columns, 3, alpha, beta)
        let low := mulmod(d0, d1, mload(PRIME_AT))
        let high := mulmod(d2, d3, mload(PRIME_AT))
        value := mulmod(mulmod(output(names, 0), mload(add(columns, 0x80)), mload(PRIME_AT)), mulmod(low, high, mload(PRIME_AT)), mload(PRIME_AT))
        let s := mulmod(
            add(mulmod(output(names, 1), d1, mload(PRIME_AT)), mulmod(output(names, 2), d0, mload(PRIME_AT))), high, mload(PRIME_AT)
        )
        s := addmod(
            s,
            mulmod(
                add(mulmod(output(names, 3), d3, mload(PRIME_AT)), mulmod(output(names, 4), d2, mload(PRIME_AT))), low, mload(PRIME_AT)
            ),
            mload(PRIME_AT)
        )
        value := addmod(value, sub(mload(PRIME_AT), s), mload(PRIME_AT))
        if hasProducts {
            let g := mulmod(mload(SLOT_GAMMA), output(names, 9), mload(PRIME_AT))
            for { let i := 5 } lt(i, 10) { i := add(i, 1) } {
                g := mulmod(g, mload(add(columns, shl(5, i))), mload(PRIME_AT))
            }
            value := addmod(value, g, mload(PRIME_AT))
        }
    }
}

/// @dev The weights at r of the block of range tables: `side` is lambda's power of their claim, the
/// next power that of the total.
function rangeTables(uint256 side, uint256 entry, uint256 r) pure returns (uint256 value) {
    uint256 n;
    unchecked {
        n = u8(AT_VARIABLES) - 9;
        _rangeSums(entry, r + (n << 5), u16(AT_WIDTHS));
    }
    value = _weighted(
        word(side), word(side + 32), r, n, u32(AT_ENTRY_HELPER) >> 9, u32(AT_ENTRY_COUNT) >> 9
    );
}

// Sums over the entries of a table: eq eq (alpha - T), eq eq, eq.
uint256 constant SUMS = 0x380;

/// @dev Over the entries 2^b + t of the widths b that are used, in closed form.
function _rangeSums(uint256 entry, uint256 low, uint256 widths) pure {
    assembly {
        let prime := mload(PRIME_AT)
        calldatacopy(SUMS, calldatasize(), 0x60)
        // over the low bits: the sum of eq eq, and that of index eq eq
        let s := 1
        let t := 0
        for { let b := 0 } lt(b, 9) { b := add(b, 1) } {
            let at := shl(5, sub(8, b))
            let x := mload(add(entry, at))
            let y := mload(add(low, at))
            let one := mulmod(x, y, prime)
            if and(shr(b, widths), 1) {
                // bit b of the address is set, those above are not
                let top := one
                let topR := y
                for {} at {} {
                    at := sub(at, 0x20)
                    let v := sub(add(prime, 1), mload(add(low, at)))
                    top := mulmod(top, mulmod(sub(add(prime, 1), mload(add(entry, at))), v, prime), prime)
                    topR := mulmod(topR, v, prime)
                }
                at := add(SUMS, 0x40)
                mstore(at, addmod(mload(at), topR, prime))
                at := add(SUMS, 0x20)
                mstore(at, addmod(mload(at), mulmod(top, s, prime), prime))
                // (alpha - beta b) s - t
                topR := addmod(
                    mload(SLOT_ALPHA), sub(prime, mulmod(mload(SLOT_BETA), b, prime)), prime
                )
                topR := add(mulmod(topR, s, prime), sub(prime, t))
                mstore(SUMS, addmod(mload(SUMS), mulmod(top, topR, prime), prime))
            }
            y := add(add(one, one), sub(add(shl(1, prime), 1), add(x, y)))
            t := addmod(mulmod(t, y, prime), mulmod(mulmod(s, one, prime), shl(b, 1), prime), prime)
            s := mulmod(s, y, prime)
        }
    }
}

/// @dev A table's two blocks, at `h` and `m` among their likes, from its sums.
function _weighted(uint256 side, uint256 all, uint256 r, uint256 n, uint256 h, uint256 m)
    pure
    returns (uint256 value)
{
    h = eqAt(r, n, h);
    m = eqAt(r, n, m);
    assembly {
        let prime := mload(PRIME_AT)
        let prints := mulmod(side, mload(SUMS), prime)
        prints := addmod(
            prints, sub(prime, mulmod(all, mload(add(SUMS, 0x40)), prime)), prime
        )
        let counts := sub(prime, mulmod(side, mload(add(SUMS, 0x20)), prime))
        value := addmod(mulmod(h, prints, prime), mulmod(m, counts, prime), prime)
    }
}

/// @dev The weights at r of the custom tables, whose data begins at `at`; where it ends. `sides` are
/// lambda's powers: total, then the sides.
function customTables(uint256 at, uint256 sides, uint256 entry, uint256 r)
    pure
    returns (uint256 end, uint256 value)
{
    unchecked {
        uint256 totalSide = word(sides);
        uint256 tables = u8(AT_TABLES);
        for (uint256 i = 0; i < tables; ++i) {
            uint256 w = word(at);
            uint256 count = (w >> 104) & 0xffffff;
            uint256 k = bitsOf(count);
            sides += 32;
            uint256 low = r + ((u8(AT_VARIABLES) - k) << 5);
            _customTable(at, entry, low, 16 + i);
            // blocks hT and m
            w = _weighted(
                word(sides),
                totalSide,
                r,
                (low - r) >> 5,
                ((w >> 64) & 0xffffffff) >> k,
                ((w >> 32) & 0xffffffff) >> k
            );
            assembly {
                value := addmod(value, w, mload(PRIME_AT))
            }
            entry += k << 5;
            at += TABLE_HEAD + count * ((word(at) >> 96) & 0xff);
        }
    }
    end = at;
}

function _customTable(uint256 at, uint256 entry, uint256 low, uint256 tag) pure {
    unchecked {
        uint256 w = word(at);
        uint256 count = (w >> 104) & 0xffffff;
        uint256 k = bitsOf(count);
        uint256 e = word(SCRATCH_AT);
        eqRange(e, entry, k, 0, count);
        eqRange(e + (count << 5), low, k, 0, count);
        uint256 constant_;
        uint256 square;
        assembly {
            let prime := mload(PRIME_AT)
            // alpha - first - beta tag - beta^2 least
            let beta := mload(SLOT_BETA)
            square := mulmod(beta, beta, prime)
            let first := signextend(7, shr(192, w))
            let least := signextend(7, shr(128, w))
            first := add(first, mul(prime, slt(first, 0)))
            least := add(least, mul(prime, slt(least, 0)))
            constant_ := addmod(first, mulmod(beta, tag, prime), prime)
            constant_ := addmod(constant_, mulmod(square, least, prime), prime)
            constant_ := addmod(mload(SLOT_ALPHA), sub(prime, constant_), prime)
        }
        _entrySums(e, count, at + TABLE_HEAD, (w >> 96) & 0xff, constant_, square);
    }
}

/// @dev SUMS for `count` entries: two tables of eq at `e`, one behind the other, and the outputs of
/// `width` bytes at `data`.
function _entrySums(
    uint256 e,
    uint256 count,
    uint256 data,
    uint256 width,
    uint256 constant_,
    uint256 square
) pure {
    unchecked {
        uint256 ones = total(e + (count << 5), count);
        assembly {
            mstore(add(SUMS, 0x40), ones)
        }
    }
    assembly {
        let prime := mload(PRIME_AT)
        let both := 0
        let prints := 0
        width := or(width, shl(128, sub(256, shl(3, width))))
        for { let a := 0 } lt(a, count) { a := add(a, 1) } {
            let x := mulmod(mload(e), mload(add(e, shl(5, count))), prime)
            e := add(e, 0x20)
            both := addmod(both, x, prime)
            // a + beta^2 (output - least)
            let print := add(a, mulmod(square, shr(shr(128, width), mload(data)), prime))
            prints := addmod(prints, mulmod(x, print, prime), prime)
            data := add(data, and(width, 0xff))
        }
        mstore(add(SUMS, 0x20), both)
        mstore(SUMS, addmod(mulmod(both, constant_, prime), sub(prime, prints), prime))
    }
}

/// @dev Claims 5 and 6 without the linear forms: what is added to the constant. For hiding proofs
/// the weights of the triples go to `triples`. `names` are those of the coefficients, `powers`
/// lambda's from claim 5 on.
function contractions(
    uint256 names,
    uint256 powers,
    uint256 ends,
    uint256 sacrifice,
    uint256 triples,
    uint256 running
) pure returns (uint256 constant_) {
    uint256 fifth = word(powers);
    unchecked {
        powers += 32;
        bool hides = u8(AT_FLAGS) & HIDING != 0;
        for (uint256 left = u16(AT_INSTANCES); left != 0; --left) {
            uint256 w;
            assembly {
                let prime := mload(PRIME_AT)
                w := mulmod(fifth, mload(and(shr(NAME_0, mload(names)), NAME_MASK)), prime)
                let a := mload(ends)
                let b := mload(add(ends, 0x20))
                let s := add(mulmod(mload(powers), a, prime), mulmod(mload(add(powers, 0x20)), b, prime))
                s := addmod(s, mulmod(mulmod(w, a, prime), b, prime), prime)
                constant_ := addmod(constant_, sub(prime, s), prime)
            }
            if (hides) {
                uint256 s = _sacrifice(w, ends, powers, sacrifice, triples);
                assembly {
                    let prime := mload(PRIME_AT)
                    constant_ := addmod(constant_, sub(prime, s), prime)
                }
                sacrifice += 64;
                triples += 192;
                powers += 96;
            }
            names += 2;
            ends += 64;
            powers += 64;
        }
    }
    assembly {
        let prime := mload(PRIME_AT)
        constant_ := addmod(constant_, mulmod(fifth, running, prime), prime)
    }
}

/// @dev The three claims of a sacrifice: their constant, and the weights of the triple of an
/// instance whose product has the weight `w`.
function _sacrifice(
    uint256 w,
    uint256 ends,
    uint256 powers,
    uint256 sacrifice,
    uint256 triple
) pure returns (uint256 constant_) {
    assembly {
        let prime := mload(PRIME_AT)
        // the pads of the ends: of the product, of the ends' claims, of the sacrifice
        let s0 := mload(add(powers, 0x40))
        mstore(
            triple,
            addmod(
                mulmod(w, mload(add(ends, 0x20)), mload(PRIME_AT)),
                add(mload(powers), mulmod(s0, mload(SLOT_X), mload(PRIME_AT))),
                mload(PRIME_AT)
            )
        )
        let s1 := mload(add(powers, 0x60))
        mstore(
            add(triple, 0x20),
            addmod(mulmod(w, mload(ends), mload(PRIME_AT)), add(mload(add(powers, 0x20)), s1), mload(PRIME_AT))
        )
        let s2 := mload(add(powers, 0x80))
        mstore(add(triple, 0x40), addmod(mulmod(s2, mload(SLOT_X), mload(PRIME_AT)), sub(mload(PRIME_AT), w), mload(PRIME_AT)))
        let e := mload(sacrifice)
        let f := mload(add(sacrifice, 0x20))
        let s := mulmod(s2, f, mload(PRIME_AT))
        constant_ := mulmod(s, e, mload(PRIME_AT))
        mstore(add(triple, 0x60), addmod(sub(mload(PRIME_AT), s), sub(mload(PRIME_AT), s0), mload(PRIME_AT)))
        constant_ := add(constant_, mulmod(s0, e, mload(PRIME_AT)))
        mstore(add(triple, 0x80), addmod(sub(mload(PRIME_AT), mulmod(s2, e, mload(PRIME_AT))), sub(mload(PRIME_AT), s1), mload(PRIME_AT)))
        constant_ := addmod(constant_, mulmod(s1, f, mload(PRIME_AT)), mload(PRIME_AT))
        mstore(add(triple, 0xa0), sub(mload(PRIME_AT), s2))
    }
}

/// @dev eq(r, base + i) against the `count` entries at `v`, a block of its own.
function blockAt(uint256 base, uint256 v, uint256 count, uint256 r, uint256 free)
    pure
    returns (uint256 value)
{
    unchecked {
        uint256 k = bitsOf(count);
        uint256 n = u8(AT_VARIABLES) - k;
        value = evaluate(v, count, r + (n << 5), k, free);
        uint256 top = eqAt(r, n, base >> k);
        assembly {
            value := mulmod(value, top, mload(PRIME_AT))
        }
    }
}

/// @dev The weights of the pads of zerocheck and contractions, at `to`: of the latter times
/// `fifth`. `bases` are what the zerocheck's rounds left.
function padWeights(uint256 to, uint256 bases, uint256 kappa, uint256 fifth)
    pure
    returns (uint256 count)
{
    uint256 cube = u8(AT_CUBE);
    uint256 rounds = u8(AT_ROUNDS);
    unchecked {
        count = 6 * cube + 2 * rounds;
    }
    assembly {
        let prime := mload(PRIME_AT)
        // from the last round to the first: each later round multiplies by its basis at 1
        let suffix := 1
        let at := add(to, mul(0xc0, cube))
        let b := add(bases, mul(0xe0, cube))
        for { let end := to } gt(at, end) {} {
            at := sub(at, 0xc0)
            b := sub(b, 0xe0)
            let one := mload(add(b, 0x20))
            mstore(at, mulmod(suffix, add(one, sub(prime, mload(b))), prime))
            let minus := sub(prime, suffix)
            mstore(add(at, 0x20), mulmod(minus, mload(add(b, 0x40)), prime))
            mstore(add(at, 0x40), mulmod(minus, mload(add(b, 0x60)), prime))
            mstore(add(at, 0x60), mulmod(minus, mload(add(b, 0x80)), prime))
            mstore(add(at, 0x80), mulmod(minus, mload(add(b, 0xa0)), prime))
            mstore(add(at, 0xa0), mulmod(minus, mload(add(b, 0xc0)), prime))
            suffix := mulmod(suffix, one, prime)
        }
    }
    unchecked {
        quadraticPads(to + 0xc0 * cube, kappa, rounds, fifth);
    }
}

/// @dev The weights of the pads of rounds of degree 2, all times `suffix`.
function quadraticPads(uint256 to, uint256 challenges, uint256 rounds, uint256 suffix) pure {
    assembly {
        let prime := mload(PRIME_AT)
        let at := add(to, shl(6, rounds))
        let c := add(challenges, shl(5, rounds))
        for {} gt(at, to) {} {
            at := sub(at, 0x40)
            c := sub(c, 0x20)
            let t := mload(c)
            let h := mulmod(mulmod(t, HALF, prime), add(t, sub(prime, 1)), prime)
            // one - zero = 2 t - 3 h - 1
            let weight := add(add(t, t), sub(sub(mul(3, prime), 1), mul(3, h)))
            mstore(at, mulmod(suffix, weight, prime))
            mstore(add(at, 0x20), mulmod(suffix, sub(prime, h), prime))
            suffix := mulmod(suffix, add(t, sub(shl(1, prime), shl(1, h))), prime)
        }
    }
}
