// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import "./Memory.sol";
import "./Operations.sol";
import {tauH2} from "./Opening.sol";

// What a compact table has to be before it is stored (docs/specs/evm-verifier.md, "Rules"): whole,
// within bounds, and about the key that it names. That its operations are those of the operation
// table is nothing that this contract can see.

/// @dev A compact table that breaks the rule of this name.
error TableRefused(bytes32 rule);

/// @dev Where the check stands.
struct Check {
    uint256 at; // bytes read
    uint256 top; // the word after the last scalar
    uint256 words; // public words, which nothing overwrites
    uint256 memory_; // entries of the memory of vectors
}

function demand(bool ok, bytes32 rule) pure {
    if (!ok) revert TableRefused(rule);
}

/// @dev The next `size` bytes as a number.
function take(bytes calldata t, Check memory c, uint256 size) pure returns (uint256 v) {
    uint256 at = c.at;
    c.at = at + size;
    demand(c.at <= t.length, "length");
    assembly {
        v := shr(sub(256, shl(3, size)), calldataload(add(t.offset, at)))
    }
}

/// @dev A field of the header.
function fieldOf(bytes calldata t, uint256 at, uint256 size) pure returns (uint256 v) {
    assembly {
        v := shr(sub(256, shl(3, size)), calldataload(add(t.offset, at)))
    }
}

/// @title The rules of compact tables, apart from the verifier: both together are too large.
/// @dev The verifier deploys it and asks it; it has no state.
contract TableRules {
    /// @notice Refuse a table that breaks a rule.
    function check(bytes calldata table) external pure {
        checkTable(table);
    }
}

function checkTable(bytes calldata t) pure {
    demand(t.length >= HEADER_BYTES && t.length < 24576, "length");
    demand(fieldOf(t, AT_VERSION, 1) == 2, "version");
    uint256 flags = fieldOf(t, AT_FLAGS, 1);
    uint256 columns = fieldOf(t, AT_LOG_COLUMNS, 1);
    uint256 n = fieldOf(t, AT_VARIABLES, 1);
    uint256 cube = fieldOf(t, AT_CUBE, 1);
    uint256 instances = fieldOf(t, AT_INSTANCES, 2);
    uint256 rounds = fieldOf(t, AT_ROUNDS, 1);
    demand(flags < 4 && fieldOf(t, AT_SRS, 1) < 2, "header");
    demand(columns >= (flags & HIDING != 0 ? 7 : 4) && columns <= 20, "header");
    demand(n >= columns && n >= 9 && n <= 32 && cube != 0 && cube <= 32, "header");
    demand(rounds <= 32 && (rounds == 0 || instances != 0), "header");
    demand(fieldOf(t, AT_BATCH, 4) != 0, "header");
    demand(fieldOf(t, AT_WIDTHS, 2) & 0xfe01 == 0, "header");
    demand(fieldOf(t, AT_POSITION, 4) >> cube == 0, "header");
    uint256 rows = _checkRows(t, n - columns);

    Check memory c;
    c.at = HEADER_BYTES;
    _checkCommitments(t, c, rows);
    c.top = FIRST_WORD + 14 + 2 * cube + 9 + rounds + n + fieldOf(t, AT_WORD_POINTS, 2)
        + fieldOf(t, AT_ZERO_POINTS, 2);
    // the columns, and the claims: 0, those of the columns, 2 of the tables, and so on
    columns = flags & PRODUCTS == 0 ? 5 : 10;
    c.top += 2 * columns + 3 + fieldOf(t, AT_PUBLIC, 2) + fieldOf(t, AT_PLAIN, 2);
    if (instances != 0) c.top += 1 + instances * (flags & HIDING != 0 ? 9 : 4);
    for (uint256 left = fieldOf(t, AT_TABLES, 1); left != 0; --left) _checkCustom(t, c, n);
    _checkBlocks(t, columns, instances, 6 * cube + 2 * rounds, flags & HIDING != 0);

    c.top += fieldOf(t, AT_NARROW, 2);
    c.at += 8 * fieldOf(t, AT_NARROW, 2);
    for (uint256 left = fieldOf(t, AT_WIDE, 2); left != 0; --left) {
        demand(take(t, c, 32) < P, "constants");
        ++c.top;
    }
    c.words = fieldOf(t, AT_INPUT_WORDS, 4) + fieldOf(t, AT_OUTPUT_WORDS, 4);
    c.memory_ = fieldOf(t, AT_MEMORY, 3);
    demand(c.words <= c.memory_, "operations");
    while (_checkOperation(t, c)) {}
    demand(c.top == FIRST_WORD + fieldOf(t, AT_SCALARS, 2) && c.top < 0x10000, "operations");
    _names(t, c, 12 + instances, 1);
    demand(c.at + LINKED_BYTES * fieldOf(t, AT_LINKED, 1) == t.length, "length");
}

/// @dev Regions ascend and do not meet, linked tensors after the weights; the rows of the weights.
function _checkRows(bytes calldata t, uint256 variables) pure returns (uint256 weights) {
    weights = fieldOf(t, AT_REGIONS + 2, 2);
    uint256 free = _after(t, AT_REGIONS, 0);
    uint256 rows;
    uint256 linked = LINKED_BYTES * fieldOf(t, AT_LINKED, 1);
    demand(HEADER_BYTES + linked <= t.length, "length");
    demand(linked == 0 || fieldOf(t, AT_FLAGS, 1) & HIDING != 0, "header");
    for (uint256 at = t.length - linked; at < t.length; at += LINKED_BYTES) {
        uint256 start = free;
        free = _after(t, at + 32, free);
        demand(free > start, "rows");
        rows += fieldOf(t, at + 34, 2);
    }
    demand(rows == fieldOf(t, AT_LINKED_ROWS, 2), "rows");
    for (uint256 at = AT_REGIONS + 4; at < AT_LINKED; at += 4) {
        free = _after(t, at, free);
    }
    demand(free != 0 && free <= 1 << variables, "rows");
}

/// @dev The end of rows at `at` (first row, rows) that start at `free` or later.
function _after(bytes calldata t, uint256 at, uint256 free) pure returns (uint256) {
    uint256 start = fieldOf(t, at, 2);
    uint256 count = fieldOf(t, at + 2, 2);
    demand(count == 0 || start >= free, "rows");
    return count == 0 ? free : start + count;
}

/// @dev Points on the curve, and the digest that they give with the other parts of a key: SHA-256 over
/// the digests of header, operation table, commitments and tau H2 (docs/protocol.md, "Statement and key").
function _checkCommitments(bytes calldata t, Check memory c, uint256 rows) pure {
    for (uint256 i; i < rows; ++i) {
        uint256 x = take(t, c, 32);
        uint256 y = take(t, c, 32);
        bool curve = mulmod(y, y, Q) == addmod(mulmod(x, mulmod(x, x, Q), Q), 3, Q);
        demand(x < Q && y < Q && (curve || (x | y) == 0), "commitments");
    }
    bytes memory tau = new bytes(128);
    uint256 at;
    assembly {
        at := add(tau, 0x20)
    }
    tauH2(fieldOf(t, AT_SRS, 1), at);
    bytes32 key = sha256(
        abi.encodePacked(
            "verifai/verifying-key/2",
            bytes9(uint72(128)), // the zero byte after the domain, and the length of what follows
            t[AT_KEY_HEADER:AT_VERSION],
            sha256(t[HEADER_BYTES:c.at]),
            sha256(tau)
        )
    );
    demand(key == bytes32(t[:32]), "key");
}

/// @dev A block of 2^k entries lies within the rows of a region.
function _checkBlock(bytes calldata t, uint256 region, uint256 base, uint256 k) pure {
    uint256 columns = fieldOf(t, AT_LOG_COLUMNS, 1);
    uint256 start = fieldOf(t, AT_REGIONS + 4 * region, 2) << columns;
    uint256 end = start + (fieldOf(t, AT_REGIONS + 4 * region + 2, 2) << columns);
    demand(base >= start && base + (1 << k) <= end && base & ((1 << k) - 1) == 0, "blocks");
}

/// @dev The blocks that every circuit has: tables in helper and witness, the rest in witness.
function _checkBlocks(
    bytes calldata t,
    uint256 columns,
    uint256 instances,
    uint256 pads,
    bool hides
) pure {
    _checkBlock(t, 4, fieldOf(t, AT_ENTRY_HELPER, 4), 9);
    _checkBlock(t, 3, fieldOf(t, AT_ENTRY_COUNT, 4), 9);
    demand(hides == (fieldOf(t, AT_REGIONS + 22, 2) != 0), "rows");
    if (!hides) return;
    demand(fieldOf(t, AT_REGIONS + 22, 2) == 1, "rows");
    _checkBlock(t, 3, fieldOf(t, AT_SLOTS, 4), bitsOf(columns));
    _checkBlock(t, 3, fieldOf(t, AT_PADS, 4), bitsOf(pads));
    if (instances != 0) _checkBlock(t, 3, fieldOf(t, AT_TRIPLES, 4), bitsOf(6 * instances));
}

/// @dev A custom table; its point and its claim take slots.
function _checkCustom(bytes calldata t, Check memory c, uint256 n) pure {
    take(t, c, 16);
    uint256 count = take(t, c, 3);
    uint256 width = take(t, c, 1);
    demand(count != 0 && count <= 1 << 16 && width != 0 && width <= 5, "tables");
    uint256 k = bitsOf(count);
    demand(k <= n, "tables");
    _checkBlock(t, 4, take(t, c, 4), k);
    _checkBlock(t, 3, take(t, c, 4), k);
    c.at += count * width;
    c.top += k + 1;
}

/// @dev `count` names of words, each the first of n scalars that exist.
function _names(bytes calldata t, Check memory c, uint256 count, uint256 n) pure {
    for (; count != 0; --count) {
        uint256 name = take(t, c, 2);
        demand(name >= FIRST_WORD && name + n <= c.top, "operations");
    }
}

/// @dev A vector of `count` entries within the memory.
function _vectorOf(bytes calldata t, Check memory c, uint256 count) pure {
    demand(take(t, c, 3) + count <= c.memory_, "operations");
}

/// @dev Several vectors of two bytes of length each.
function _vectors(bytes calldata t, Check memory c, uint256 count, uint256 size) pure {
    for (; count != 0; --count) {
        uint256 start = take(t, c, 3);
        demand(start + take(t, c, size) <= c.memory_, "operations");
    }
}

/// @dev Indices start .. end - 1 of n coordinates.
function _range(uint256 n, uint256 start, uint256 end) pure {
    demand(n <= 32 && start < end && end <= 1 << n, "operations");
}

/// @dev One operation; false at the end of all.
function _checkOperation(bytes calldata t, Check memory c) pure returns (bool) {
    uint256 op = take(t, c, 1);
    uint256 n;
    uint256 count;
    if (op == OP_END) return false;
    if (op == OP_PAIRS) {
        _names(t, c, 2 * take(t, c, 2), 1);
    } else if (op == OP_PRODUCT || op == OP_POINT) {
        count = take(t, c, 1);
        demand(count != 0, "operations");
        _names(t, c, count, 1);
        if (op == OP_POINT) c.top += count - 1;
    } else if (op == OP_PREFIX || op == OP_BETWEEN) {
        n = take(t, c, 1);
        count = take(t, c, 2);
        if (count == 0) {
            _names(t, c, 1, n);
        } else {
            c.at -= 2;
            _names(t, c, 2, n);
        }
        count = take(t, c, 4);
        _range(n, op == OP_BETWEEN ? take(t, c, 4) : 0, count);
    } else if (op == OP_EQ_AT) {
        n = take(t, c, 1);
        _names(t, c, 1, n);
        count = take(t, c, 4);
        _range(n, count, count + 1);
    } else if (op == OP_EQ_SLOTS) {
        (uint256 start, uint256 size) = _eq(t, c, 2);
        demand(start < size, "operations");
        c.top += size - start - 1;
    } else if (op == OP_INTERVAL) {
        count = take(t, c, 1);
        n = take(t, c, 1);
        uint256 start = take(t, c, 4);
        _range(n, start, take(t, c, 5));
        _names(t, c, count, n);
    } else if (op == OP_DOT) {
        count = fieldOf(t, c.at + 6, 3);
        _vectorOf(t, c, count);
        _vectors(t, c, 1, 3);
    } else if (op == OP_TOTAL) {
        _vectors(t, c, 1, 3);
    } else if (op == OP_EVALUATE) {
        count = fieldOf(t, c.at + 3, 3);
        _vectors(t, c, 1, 3);
        n = fieldOf(t, c.at + 2, 1);
        _names(t, c, 1, n);
        take(t, c, 1);
        _range(n, 0, count);
    } else if (op == OP_BILINEAR) {
        for (count = 0; count < 3; ++count) _vectors(t, c, 1, 2);
        take(t, c, 6);
    } else {
        _checkVectorOperation(t, c, op);
        return true;
    }
    ++c.top;
    return true;
}

/// @dev Point, n, start, count; start and the end.
function _eq(bytes calldata t, Check memory c, uint256 size)
    pure
    returns (uint256 start, uint256 end)
{
    uint256 n = fieldOf(t, c.at + 2, 1);
    _names(t, c, 1, n);
    take(t, c, 1);
    start = take(t, c, 4);
    end = start + take(t, c, size);
    _range(n, start, end);
}

/// @dev Lanes within the words, indices of all rows within the point; entries of the result.
function _eqRowsSize(bytes calldata t, Check memory c) pure returns (uint256) {
    uint256 count = take(t, c, 3);
    uint256 lane = take(t, c, 1);
    demand((lane == 16 || lane == 32) && count != 0, "operations");
    uint256 end = take(t, c, 3) + 1;
    uint256 start = take(t, c, 4);
    uint256 step = take(t, c, 3);
    end = start + step * end;
    _range(fieldOf(t, c.at + 2, 1), start, end);
    _names(t, c, 1, fieldOf(t, c.at + 2, 1));
    take(t, c, 1);
    for (uint256 left = count; left != 0; --left) {
        demand((take(t, c, 3) * lane) >> 7 < c.words, "operations");
    }
    return step * count;
}

/// @dev An operation with a vector for a result, which must not lie over the words.
function _checkVectorOperation(bytes calldata t, Check memory c, uint256 op) pure {
    uint256 to = take(t, c, 3);
    uint256 size;
    uint256 count;
    if (op == OP_EQ_RANGE) {
        (count, size) = _eq(t, c, 3);
        size -= count;
    } else if (op == OP_COMBINE) {
        size = take(t, c, 3);
        count = take(t, c, 1);
        demand(count != 0, "operations");
        for (; count != 0; --count) {
            _names(t, c, 1, 1);
            _vectorOf(t, c, size);
        }
    } else if (op == OP_EQ_ROWS) {
        size = _eqRowsSize(t, c);
    } else if (op == OP_SCATTER) {
        size = take(t, c, 3);
        take(t, c, 4);
        count = take(t, c, 1);
        demand(count != 0, "operations");
        for (; count != 0; --count) {
            _vectors(t, c, 1, 3);
            take(t, c, 4);
        }
    } else if (op == OP_CONTRACT) {
        uint256 outer = fieldOf(t, c.at + 6, 3);
        uint256 inner = fieldOf(t, c.at + 9, 3);
        size = outer * fieldOf(t, c.at + 12, 3);
        demand(size != 0 && inner != 0, "operations");
        _vectorOf(t, c, size * inner);
        _vectorOf(t, c, inner);
        take(t, c, 9);
    } else if (op == OP_ENTRYWISE) {
        size = fieldOf(t, c.at + 6, 3);
        _vectorOf(t, c, size);
        _vectorOf(t, c, size);
        take(t, c, 3);
    } else {
        demand(op == OP_PLACE, "operations");
        size = take(t, c, 3);
        count = fieldOf(t, c.at + 3, 3);
        _vectorOf(t, c, count);
        for (take(t, c, 3); count != 0; --count) {
            uint256 place = take(t, c, 3);
            demand(place < size || place == DROPPED, "operations");
        }
    }
    demand(to >= c.words && to + size <= c.memory_, "operations");
}
