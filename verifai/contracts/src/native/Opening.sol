// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import "./Memory.sol";
import "./Labels.sol";
import {draw, points, scalar, scalars} from "./Transcript.sol";
import {eqRange} from "./Field.sol";

// The opening of the committed vector at r (docs/protocol.md, "The opening"): HyperKZG with one pairing.

// H, the generator of blindings.
uint256 constant H_X = 0x26915b3008091a6391156e9ca55f8ef336b1abe34f34609234ba2ef7e2348411;
uint256 constant H_Y = 0x1460d080289580895371a991e72c962f64b7bcc03978dff66a2ea66cd3afdb98;

// Buffers of the precompiles: ecAdd reads the sum and the product next to it.
uint256 constant SUM = 0x300;
uint256 constant PRODUCT = 0x340;
uint256 constant FACTORS = 0x380;
uint256 constant PAIRING = 0x400;

/// @dev What an opening needs of the proof; offsets in calldata unless it says otherwise.
struct Claimed {
    uint256 p; // the opening's first message
    uint256 r; // in memory
    uint256 value;
    uint256 stage1;
    uint256 stage2;
    uint256 weights; // commitments, in memory
    uint256 tail; // 0 for a proof that shows all
    uint256 tailRow;
    uint256 tailBlinding; // a scalar
    uint256 g; // a scalar
    // filled by checkOpening
    uint256 blinding;
    uint256 folds;
    uint256 at;
    uint256 evaluations;
    uint256 nu;
    uint256 quotient;
    uint256 z;
}

// Fields of Claimed for assembly.
uint256 constant TAIL_ROW = 0xe0;
uint256 constant TAIL_BLINDING = 0x100;
uint256 constant G_CHALLENGE = 0x120;
uint256 constant BLINDING = 0x140;
uint256 constant QUOTIENT = 0x1e0;
uint256 constant Z = 0x200;

// Lists in the scratch, of one entry per fold, behind that of r_k.
uint256 constant INVERSES = 0x300;
uint256 constant PREFIXES = 0x600;
uint256 constant POSITIVES = 0x900;
uint256 constant WEIGHTS = 0xc00;

/// @dev The sum at SUM += scalar * (x, y).
function addMultiple(uint256 x, uint256 y, uint256 factor) view {
    bool ok;
    assembly {
        mstore(FACTORS, x)
        mstore(add(FACTORS, 0x20), y)
        mstore(add(FACTORS, 0x40), factor)
        ok := staticcall(gas(), 7, FACTORS, 0x60, PRODUCT, 0x40)
        ok := and(staticcall(gas(), 6, SUM, 0x80, SUM, 0x40), ok)
    }
    if (!ok) refuse("opening pairing");
}

/// @dev addMultiple for `count` points in calldata and scalars in memory, times `factor`.
function addCalldata(uint256 p, uint256 count, uint256 at, uint256 factor) view {
    bool ok = true;
    assembly {
        for {} count { count := sub(count, 1) } {
            calldatacopy(FACTORS, p, 0x40)
            p := add(p, 0x40)
            mstore(add(FACTORS, 0x40), mulmod(mload(at), factor, mload(PRIME_AT)))
            at := add(at, 0x20)
            ok := and(staticcall(gas(), 7, FACTORS, 0x60, PRODUCT, 0x40), ok)
            ok := and(staticcall(gas(), 6, SUM, 0x80, SUM, 0x40), ok)
        }
    }
    if (!ok) refuse("opening pairing");
}

/// @dev All rows by regions, row i times eq(x_row, i) factor; the eqs lie at `eqs`.
function addRows(Claimed memory c, uint256 eqs, uint256 factor) view {
    unchecked {
        uint256 start = u16(AT_REGIONS);
        uint256 count = u16(AT_REGIONS + 2);
        uint256 at = c.weights;
        for (uint256 i = start; i < start + count; ++i) {
            uint256 e = word(eqs + (i << 5));
            assembly {
                e := mulmod(e, factor, mload(PRIME_AT))
            }
            addMultiple(word(at), word(at + 32), e);
            at += 64;
        }
        uint256 p = c.stage1;
        at = word(LINKED_POINTER);
        for (uint256 left = u8(AT_LINKED); left != 0; --left) {
            uint256 rows = word(at + 32);
            count = (rows >> 224) & 0xffff;
            addCalldata(p, count, eqs + ((rows >> 240) << 5), factor);
            p += count << 6;
            at += LINKED_BYTES;
        }
        // input, output, witness, mask; then helper, which came later
        for (uint256 region = 1; region < 6; ++region) {
            uint256 field = AT_REGIONS + 4 * region;
            if (region == 4) field += 4;
            if (region == 5) {
                field -= 4;
                p = c.stage2;
            }
            count = u16(field + 2);
            addCalldata(p, count, eqs + (u16(field) << 5), factor);
            p += count << 6;
        }
    }
}

/// @dev Read the opening's messages and check it; where the proof has to end.
function checkOpening(Claimed memory c) view returns (uint256 end) {
    uint256 n = u8(AT_LOG_COLUMNS);
    uint256 p;
    unchecked {
        (p, c.blinding) = scalar(MSG_OPENING_BLINDING, c.p);
        c.folds = p;
        p = points(MSG_OPENING_FOLDS, p, n - 1);
        c.at = draw(DRAW_OPENING_R);
        c.evaluations = p;
        p = scalars(MSG_OPENING_EVALUATIONS, p, n + 1);
        c.nu = draw(DRAW_OPENING_NU);
        c.quotient = p;
        p = points(MSG_OPENING_W, p, 1);
        c.z = draw(DRAW_OPENING_Z);
        end = points(MSG_OPENING_W1, p, 1);

        uint256 list = word(SCRATCH_AT);
        uint256 columns = c.r + ((u8(AT_VARIABLES) - n) << 5);
        uint256 inverse = _invert(list, n, c.at, c.z);
        if (_fold(list, n, c.evaluations, columns, inverse) != c.value) refuse("opening folding");
        (uint256 constant_, uint256 power) = _weights(list, n, c.evaluations, c.nu, c.z);

        assembly {
            calldatacopy(SUM, mload(add(c, QUOTIENT)), 0x40)
        }
        addMultiple(_calldata(p), _calldata(p + 32), c.z);
        addCalldata(c.folds, n - 1, list + WEIGHTS + 32, 1);
        uint256 factor = word(list + WEIGHTS);
        uint256 blindings;
        assembly {
            let prime := mload(PRIME_AT)
            blindings := sub(prime, mulmod(factor, mload(add(c, BLINDING)), prime))
        }
        if (c.tail != 0) {
            (constant_, blindings) = _tail(c, list, power, constant_, blindings);
        }
        addMultiple(1, 2, constant_);
        addMultiple(H_X, H_Y, blindings);
        {
            uint256 cut = u8(AT_VARIABLES) - n;
            uint256 rows = _lastRow() + 1;
            eqRange(list, c.r, cut, 0, rows);
            addRows(c, list, factor);
        }
        _pair(p);
    }
}

function _calldata(uint256 p) pure returns (uint256 v) {
    assembly {
        v := calldataload(p)
    }
}

/// @dev The highest row that is committed.
function _lastRow() pure returns (uint256 last) {
    unchecked {
        for (uint256 field = AT_REGIONS; field < AT_LINKED; field += 4) {
            uint256 end = u16(field) + u16(field + 2);
            if (u16(field + 2) != 0 && end > last) last = end;
        }
        return last - 1;
    }
}

/// @dev r_k = r^(2^k) and 1 / (z^2 - r_k^2), with one inversion; returns 1 / r.
function _invert(uint256 list, uint256 n, uint256 r, uint256 z) view returns (uint256 inverse) {
    uint256 product = 1;
    bool ok;
    assembly {
        let prime := mload(PRIME_AT)
        let square := mulmod(z, z, prime)
        let at := r
        for { let k := 0 } lt(k, n) { k := add(k, 1) } {
            let entry := add(list, shl(5, k))
            mstore(entry, at)
            at := mulmod(at, at, prime)
            let d := addmod(square, sub(prime, at), prime)
            mstore(add(entry, INVERSES), d)
            mstore(add(entry, PREFIXES), product)
            product := mulmod(product, d, prime)
        }
    }
    if (r == 0) refuse("opening folding");
    if (product == 0) refuse("opening pairing");
    assembly {
        let prime := mload(PRIME_AT)
        // modexp with the exponent p - 2
        mstore(PAIRING, 0x20)
        mstore(add(PAIRING, 0x20), 0x20)
        mstore(add(PAIRING, 0x40), 0x20)
        mstore(add(PAIRING, 0x60), mulmod(product, r, prime))
        mstore(add(PAIRING, 0x80), sub(prime, 2))
        mstore(add(PAIRING, 0xa0), prime)
        ok := staticcall(gas(), 5, PAIRING, 0xc0, PAIRING, 0x20)
        let i := mload(PAIRING)
        inverse := mulmod(i, product, prime)
        i := mulmod(i, r, prime)
        for { let entry := add(list, shl(5, n)) } gt(entry, list) {} {
            entry := sub(entry, 0x20)
            let d := mload(add(entry, INVERSES))
            mstore(add(entry, INVERSES), mulmod(i, mload(add(entry, PREFIXES)), prime))
            i := mulmod(i, d, prime)
        }
    }
    if (!ok) refuse("opening pairing");
}

/// @dev From A_k(r_k) and A_k(-r_k) to A_(k+1)(r_(k+1)); the constant that the folds end in.
function _fold(uint256 list, uint256 n, uint256 evaluations, uint256 columns, uint256 inverse)
    pure
    returns (uint256 positive)
{
    assembly {
        let prime := mload(PRIME_AT)
        positive := calldataload(evaluations)
        let column := add(columns, shl(5, n))
        for { let k := 0 } lt(k, n) { k := add(k, 1) } {
            evaluations := add(evaluations, 0x20)
            column := sub(column, 0x20)
            mstore(add(add(list, POSITIVES), shl(5, k)), positive)
            let negative := calldataload(evaluations)
            let even := mulmod(add(positive, negative), HALF, prime)
            let odd := mulmod(mulmod(add(positive, sub(prime, negative)), HALF, prime), inverse, prime)
            positive := addmod(even, mulmod(mload(column), add(odd, sub(prime, even)), prime), prime)
            inverse := mulmod(inverse, inverse, prime)
        }
    }
}

/// @dev The weight of each fold's commitment, the coefficient of G, and the next power of nu.
function _weights(uint256 list, uint256 n, uint256 evaluations, uint256 nu, uint256 z)
    pure
    returns (uint256 constant_, uint256 power)
{
    assembly {
        let prime := mload(PRIME_AT)
        power := 1
        for { let end := add(list, shl(5, n)) } lt(list, end) { list := add(list, 0x20) } {
            evaluations := add(evaluations, 0x20)
            let at := mload(list)
            let i := mulmod(power, mload(add(list, INVERSES)), prime)
            let plus := mulmod(i, add(z, at), prime)
            power := mulmod(power, nu, prime)
            let minus := mulmod(mulmod(i, nu, prime), add(z, sub(prime, at)), prime)
            power := mulmod(power, nu, prime)
            constant_ := addmod(
                constant_,
                add(
                    mulmod(plus, mload(add(list, POSITIVES)), prime),
                    mulmod(minus, calldataload(evaluations), prime)
                ),
                prime
            )
            mstore(add(list, WEIGHTS), addmod(sub(prime, plus), sub(prime, minus), prime))
        }
    }
}

/// @dev The public row P2 + g M2, whose value at r anyone computes.
function _tail(Claimed memory c, uint256 list, uint256 power, uint256 constant_, uint256 blindings)
    view
    returns (uint256, uint256)
{
    uint256 weight;
    uint256 count;
    unchecked {
        count = u8(AT_VARIABLES) << 6;
    }
    assembly {
        let prime := mload(PRIME_AT)
        let at := mload(list)
        weight := mulmod(
            power, mulmod(add(mload(add(c, Z)), at), mload(add(list, INVERSES)), prime), prime
        )
        let row := mload(add(c, TAIL_ROW))
        let value := 0
        for { let p := add(row, count) } gt(p, row) {} {
            p := sub(p, 0x20)
            value := addmod(mulmod(value, at, prime), calldataload(p), prime)
        }
        constant_ := addmod(constant_, mulmod(weight, value, prime), prime)
        blindings := addmod(blindings, mulmod(weight, mload(add(c, TAIL_BLINDING)), prime), prime)
        weight := sub(prime, weight)
    }
    uint256 p2 = c.tail;
    unchecked {
        addMultiple(_calldata(p2), _calldata(p2 + 32), weight);
        assembly {
            weight := mulmod(weight, mload(add(c, G_CHALLENGE)), mload(PRIME_AT))
        }
        addMultiple(_calldata(p2 + 64), _calldata(p2 + 96), weight);
    }
    return (constant_, blindings);
}

/// @dev e(SUM, H2) = e(W', tau H2), for W' at `p` in calldata.
function _pair(uint256 p) view {
    uint256 development = u8(AT_SRS);
    bool ok;
    assembly {
        mstore(PAIRING, mload(SUM))
        mstore(add(PAIRING, 0x20), mload(add(SUM, 0x20)))
        mstore(add(PAIRING, 0x40), 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
        mstore(add(PAIRING, 0x60), 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
        mstore(add(PAIRING, 0x80), 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
        mstore(add(PAIRING, 0xa0), 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
        mstore(add(PAIRING, 0xc0), calldataload(p))
        let y := calldataload(add(p, 0x20))
        mstore(add(PAIRING, 0xe0), mul(sub(Q, y), iszero(iszero(y))))
    }
    tauH2(development, PAIRING + 0x100);
    assembly {
        ok := staticcall(gas(), 8, PAIRING, 0x180, PAIRING, 0x20)
        ok := and(ok, eq(mload(PAIRING), 1))
    }
    if (!ok) refuse("opening pairing");
}

/// @dev tau H2 of a reference string that this contract knows, written to `at`: 0 Aztec Ignition, 1
/// the development string, whose tau is public.
function tauH2(uint256 srs, uint256 at) pure {
    assembly {
        switch srs
        case 0 {
            mstore(at, 0x260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1)
            mstore(add(at, 0x20), 0x0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0)
            mstore(add(at, 0x40), 0x04fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4)
            mstore(add(at, 0x60), 0x22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e55)
        }
        default {
            mstore(at, 0x27e20566e3dad43c4fbcc976901bb1cc5b2bdc32849aff8fd703daa4fa17ce07)
            mstore(add(at, 0x20), 0x13facb7278a226354c3643183a0d0b152bb06b7a76fa85c70de8ceb6e2f5c76d)
            mstore(add(at, 0x40), 0x13abb94caaa7637241548c8aec42d71625a4487cc4152b816bad6c271330bd7e)
            mstore(add(at, 0x60), 0x28dfecef6820f1df2e7db0f015e199b2e4b9bcb36c0fa3e571b838f6ea90f12b)
        }
    }
}
