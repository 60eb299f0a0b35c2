// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

// The memory of one verification. Solidity's allocator has a corner for structs; the rest is ours.
//
//   0x080  header of the compact table      0x140  pointers below
//   0x200  state, header and payload of the transcript's short steps
//   0x300  buffers of the precompiles
//   0x400  pairing, 0x580  Solidity's allocator (structs), 0xbc0  Q, 0xbe0  a pointer: linked tensors
//   0xc00  scalars: slot k at 0xc00 + 32 k, named by their word (96 + k) in operations
//   then   the rest of the compact table; vectors; what the rounds leave for the pads; scratch

uint256 constant P = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
uint256 constant Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
uint256 constant HALF = 0x183227397098d014dc2822db40c0ac2e9419f4243cdcb848a1f0fac9f8000001;

uint256 constant HEADER_BYTES = 188;
uint256 constant HEADER = 0x80;
/// @dev Pointers: the table after its header, vectors, what rounds leave, scratch.
uint256 constant TABLE_AT = 0x140;
uint256 constant VECTORS_AT = 0x160;
uint256 constant ROUNDS_AT = 0x180;
uint256 constant SCRATCH_AT = 0x1a0;
/// @dev P, from where loops take it: as a constant it would be 33 bytes of code at each use.
uint256 constant PRIME_AT = 0x1c0;
/// @dev Q, likewise.
uint256 constant BASE_PRIME_AT = 0xbc0;
/// @dev 2 P + 1
uint256 constant ROOM_AT = 0x1e0;
uint256 constant STATE = 0x200;
uint256 constant LINKED_POINTER = 0xbe0;
uint256 constant SCALARS = 0xc00;
uint256 constant FIRST_WORD = 96;

// Operations name a scalar in two bytes, by its word in memory; its address is 32 times that. Both at
// once: the two bytes are shifted down, but for the five bits of the factor, and all other bits go.
// With the name 0x0068 in the first two bytes of w, and(shr(NAME_0, w), NAME_MASK) is 0xd00: alpha.
uint256 constant NAME_MASK = 0x1fffe0;
/// @dev Of a name in bytes 0 and 1 of a word (240 - 5), in bytes 2 and 3, in bytes 4 and 5.
uint256 constant NAME_0 = 235;
uint256 constant NAME_2 = 219;
uint256 constant NAME_4 = 203;

// Slots that every circuit has; those before are constants (see claims).
uint256 constant SLOT_ALPHA = 0xd00;
uint256 constant SLOT_BETA = 0xd20;
uint256 constant SLOT_GAMMA = 0xd40;
uint256 constant SLOT_ETA = 0xd60;
uint256 constant SLOT_X = 0xd80;
uint256 constant SLOT_FACTOR = 0xda0;
uint256 constant SLOT_FIRST = 0xdc0;

// Fields of the header, by offset; the digest of the key is the first.
uint256 constant AT_KEY_HEADER = 32;
uint256 constant AT_VERSION = 96;
uint256 constant AT_FLAGS = 97;
uint256 constant AT_SRS = 98;
uint256 constant AT_LOG_COLUMNS = 99;
uint256 constant AT_VARIABLES = 100;
uint256 constant AT_CUBE = 101;
uint256 constant AT_ROUNDS = 102;
uint256 constant AT_TABLES = 103;
uint256 constant AT_WIDTHS = 104;
uint256 constant AT_INSTANCES = 106;
uint256 constant AT_PUBLIC = 108;
uint256 constant AT_PLAIN = 110;
uint256 constant AT_WORD_POINTS = 112;
uint256 constant AT_ZERO_POINTS = 114;
uint256 constant AT_NARROW = 116;
uint256 constant AT_WIDE = 118;
uint256 constant AT_SCALARS = 120;
uint256 constant AT_MEMORY = 122;
uint256 constant AT_INPUT_WORDS = 125;
uint256 constant AT_OUTPUT_WORDS = 129;
uint256 constant AT_BATCH = 133;
uint256 constant AT_ENTRY_HELPER = 137;
uint256 constant AT_ENTRY_COUNT = 141;
uint256 constant AT_SLOTS = 145;
uint256 constant AT_TRIPLES = 149;
uint256 constant AT_PADS = 153;
uint256 constant AT_POSITION = 157;
/// @dev (first row, rows) of weight, input, output, witness, helper, mask, two bytes each.
uint256 constant AT_REGIONS = 161;
/// @dev How many linked tensors, and how many rows all of them have.
uint256 constant AT_LINKED = 185;
uint256 constant AT_LINKED_ROWS = 186;
/// @dev A linked tensor: digest of its description, first row, rows. All lie at the table's end.
uint256 constant LINKED_BYTES = 36;
/// @dev Bytes of a custom table before its outputs.
uint256 constant TABLE_HEAD = 28;

uint256 constant HIDING = 1;
uint256 constant PRODUCTS = 2;

/// @dev A proof that does not hold; `step` is the name that the Python verifier gives it.
error ProofRefused(bytes32 step);

function refuse(bytes32 step) pure {
    revert ProofRefused(step);
}

function u8(uint256 offset) pure returns (uint256 v) {
    assembly {
        v := shr(248, mload(add(HEADER, offset)))
    }
}

function u16(uint256 offset) pure returns (uint256 v) {
    assembly {
        v := shr(240, mload(add(HEADER, offset)))
    }
}

function u32(uint256 offset) pure returns (uint256 v) {
    assembly {
        v := shr(224, mload(add(HEADER, offset)))
    }
}

function word(uint256 at) pure returns (uint256 v) {
    assembly {
        v := mload(at)
    }
}

function store(uint256 at, uint256 v) pure {
    assembly {
        mstore(at, v)
    }
}

/// @dev ceil(log2 n) for n >= 1.
function bitsOf(uint256 n) pure returns (uint256 k) {
    assembly {
        for { n := sub(n, 1) } n { n := shr(1, n) } { k := add(k, 1) }
    }
}
