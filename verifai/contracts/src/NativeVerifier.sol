// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IProofVerifier} from "./IProofVerifier.sol";
import "./native/Memory.sol";
import "./native/Labels.sol";
import {
    START, absorbWord, absorbAt, draw, drawMany, scalarsTo, scalars, scalar, points
} from "./native/Transcript.sol";
import {quadratic, sextic} from "./native/Rounds.sol";
import {dot, eqAt} from "./native/Field.sol";
import {runOperations} from "./native/Operations.sol";
import {
    relation,
    rangeTables,
    customTables,
    contractions,
    blockAt,
    padWeights,
    quadraticPads
} from "./native/Claims.sol";
import {Claimed, checkOpening} from "./native/Opening.sol";
import {TableRules} from "./native/TableRules.sol";
import {requirePrecompiles} from "./native/Precompiles.sol";

/// @title Verifier of verifai's native proofs, for any circuit.
/// @notice The interaction (docs/protocol.md) is fixed here: order of messages and challenges, sumchecks,
/// tables, ends of contractions, everything that hides, opening. What depends on a model comes from a
/// compact table (docs/specs/evm-verifier.md), immutable code that `register` has checked for its
/// form. *That a compact table is the one of an operation table, and that of a model, is established
/// by making it again*: its operations are arithmetic whose meaning this contract does not know.
/// @dev No owner, no upgrade, no state but the addresses of tables.
contract NativeVerifier is IProofVerifier {
    /// @notice A circuit whose table is not known here.
    error UnknownCircuit(bytes32 circuit);
    /// @notice The table could not be stored.
    error StorageFailed();

    /// @notice A table was registered, by whomever.
    event CircuitRegistered(
        bytes32 indexed circuit, bytes32 indexed keyDigest, uint32 batch, address table
    );

    mapping(bytes32 circuit => address) private tables;

    constructor() {
        requirePrecompiles();
        new TableRules();
    }

    /// @notice What checks tables: the first contract that this one has created.
    function rules() public view returns (address) {
        bytes32 digest = keccak256(abi.encodePacked(hex"d694", address(this), hex"01"));
        return address(uint160(uint256(digest)));
    }

    /// @inheritdoc IProofVerifier
    function register(bytes calldata table) external returns (bytes32 circuit) {
        TableRules(rules()).check(table);
        address at;
        bytes memory code = abi.encodePacked(hex"00", table);
        circuit = keccak256(code);
        at = tables[circuit];
        if (at != address(0)) return circuit;
        // PUSH2 length, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURNDATASIZE, RETURN
        bytes memory creation =
            abi.encodePacked(hex"61", uint16(code.length), hex"80600a3d393df3", code);
        assembly {
            at := create(0, add(creation, 0x20), mload(creation))
        }
        if (at == address(0)) revert StorageFailed();
        tables[circuit] = at;
        emit CircuitRegistered(
            circuit,
            bytes32(table[:32]),
            uint32(bytes4(table[AT_BATCH:AT_BATCH + 4])),
            at
        );
    }

    /// @inheritdoc IProofVerifier
    function circuitInfo(bytes32 circuit)
        external
        view
        returns (
            bytes32 keyDigest,
            uint32 batch,
            uint32 inputWords,
            uint32 outputWords,
            bool hiding,
            bool developmentSrs,
            address table
        )
    {
        table = _load(circuit);
        keyDigest = bytes32(word(HEADER));
        batch = uint32(u32(AT_BATCH));
        inputWords = uint32(u32(AT_INPUT_WORDS));
        outputWords = uint32(u32(AT_OUTPUT_WORDS));
        hiding = u8(AT_FLAGS) & HIDING != 0;
        developmentSrs = u8(AT_SRS) == 1;
    }

    /// @inheritdoc IProofVerifier
    /// @param words 16 bytes each, big-endian: public inputs, then outputs.
    function verify(bytes32 circuit, bytes32 context, bytes calldata words, bytes calldata proof)
        external
        view
        returns (bytes32[] memory linked)
    {
        _load(circuit);
        if (!_canonical(words, proof)) refuse("calldata");
        unchecked {
            if (proof.length != _proofBytes()) refuse("length");
        }
        _absorbStatement(context, words);
        uint256 p;
        assembly {
            p := proof.offset
        }
        Claimed memory c;
        _messages(c, p);
        if (checkOpening(c) != p + proof.length) refuse("end of the proof");
        return _linked(c.stage1);
    }

    /// @dev Commitments of linked tensors (docs/protocol.md, "Layout"), whose points are the first.
    function _linked(uint256 p) private pure returns (bytes32[] memory digests) {
        unchecked {
            store(0x40, word(SCRATCH_AT));
            digests = new bytes32[](u8(AT_LINKED));
            uint256 at = word(LINKED_POINTER);
            for (uint256 i; i < digests.length; ++i) {
                uint256 size = ((word(at + 32) >> 224) & 0xffff) << 6;
                bytes32 digest;
                assembly {
                    let free := mload(0x40)
                    mstore(free, mload(at))
                    calldatacopy(add(free, 0x20), p, size)
                    digest := keccak256(free, add(size, 0x20))
                }
                digests[i] = digest;
                at += LINKED_BYTES;
                p += size;
            }
        }
    }

    /// @dev One encoding for one call: both texts in order, nothing between or after, zeros as padding.
    function _canonical(bytes calldata words, bytes calldata proof) private pure returns (bool ok) {
        assembly {
            let end := add(words.offset, and(add(words.length, 31), not(31)))
            let rest := and(words.length, 31)
            ok := eq(words.offset, 0xa4)
            ok := and(ok, eq(proof.offset, add(end, 0x20)))
            ok := and(ok, eq(calldatasize(), add(proof.offset, proof.length)))
            ok := and(ok, or(iszero(rest), iszero(shl(shl(3, rest), calldataload(sub(end, 0x20))))))
        }
    }

    /// @dev Set memory up and read the table.
    function _load(bytes32 circuit) private view returns (address table) {
        table = tables[circuit];
        if (table == address(0)) revert UnknownCircuit(circuit);
        assembly {
            // Solidity's allocator, for the one struct that we have
            mstore(0x40, 0x580)
            mstore(PRIME_AT, P)
            mstore(BASE_PRIME_AT, Q)
            mstore(ROOM_AT, add(shl(1, P), 1))
            let size := sub(extcodesize(table), add(HEADER_BYTES, 1))
            extcodecopy(table, HEADER, 1, HEADER_BYTES)
            let at := add(SCALARS, shl(5, shr(240, mload(add(HEADER, AT_SCALARS)))))
            mstore(TABLE_AT, at)
            extcodecopy(table, at, add(HEADER_BYTES, 1), size)
            at := add(at, size)
            mstore(
                LINKED_POINTER, sub(at, mul(LINKED_BYTES, shr(248, mload(add(HEADER, AT_LINKED)))))
            )
            at := add(and(add(at, 31), not(31)), 0x40)
            mstore(VECTORS_AT, at)
            at := add(at, shl(5, shr(232, mload(add(HEADER, AT_MEMORY)))))
            mstore(ROUNDS_AT, at)
            mstore(SCRATCH_AT, add(add(at, mul(0xe0, shr(248, mload(add(HEADER, AT_CUBE))))), 0x40))
        }
    }

    /// @dev docs/protocol.md, "Length" and "Hiding tables".
    function _proofBytes() private pure returns (uint256) {
        unchecked {
            uint256 n = u8(AT_VARIABLES);
            uint256 c = u8(AT_LOG_COLUMNS);
            uint256 instances = u16(AT_INSTANCES);
            uint256 pointCount = c + 1 + u16(AT_LINKED_ROWS);
            for (uint256 field = AT_REGIONS + 4; field < AT_LINKED; field += 4) {
                pointCount += u16(field + 2);
            }
            uint256 scalarCount = 6 * u8(AT_CUBE) + _columns() + 2 * u8(AT_ROUNDS)
                + 2 * instances + 2 * n + 1 + c + 2;
            if (u8(AT_FLAGS) & HIDING != 0) {
                pointCount += 2;
                scalarCount += 2 * instances + 2 * n + 2;
            }
            return 64 * pointCount + 32 * scalarCount;
        }
    }

    function _columns() private pure returns (uint256) {
        return u8(AT_FLAGS) & PRODUCTS == 0 ? 5 : 10;
    }

    /// @dev Key, batch, context, words. The words stay where the operations find them.
    function _absorbStatement(bytes32 context, bytes calldata words) private pure {
        unchecked {
            uint256 count = u32(AT_INPUT_WORDS) + u32(AT_OUTPUT_WORDS);
            if (words.length != count << 4) refuse("public words");
            store(STATE, START);
            absorbWord(MSG_KEY, word(HEADER));
            absorbWord(MSG_BATCH, u32(AT_BATCH));
            absorbWord(MSG_CONTEXT, uint256(context));
            if (count == 0) return;
            uint256 to = word(VECTORS_AT);
            assembly {
                let from := words.offset
                let end := add(to, shl(5, count))
                // two words at a time; what an odd one reads too many is cleared
                for { let at := to } lt(at, end) { at := add(at, 0x40) } {
                    let two := calldataload(from)
                    mstore(at, shr(128, two))
                    mstore(add(at, 0x20), and(two, 0xffffffffffffffffffffffffffffffff))
                    from := add(from, 0x20)
                }
                mstore(end, 0)
            }
            absorbAt(MSG_WORDS, to, count << 5);
        }
    }

    /// @dev Where scalars lie, and what the rounds leave.
    struct Slots {
        uint256 z;
        uint256 columns;
        uint256 entry;
        uint256 tableEntry;
        uint256 kappa;
        uint256 ends;
        uint256 sacrifice;
        uint256 powers;
        uint256 claim; // after the zerocheck's rounds
        uint256 running; // after the contraction's
        uint256 lastFactor;
        uint256 lastRunning;
    }

    /// @dev All messages up to the opening, in order, and the check of the last sumcheck's end.
    function _messages(Claimed memory c, uint256 p) private pure {
        unchecked {
            bool hides = u8(AT_FLAGS) & HIDING != 0;
            Slots memory at;
            _constants();
            c.stage1 = p;
            p = points(
                MSG_STAGE_1,
                p,
                u16(AT_LINKED_ROWS) + u16(AT_REGIONS + 6) + u16(AT_REGIONS + 10)
                    + u16(AT_REGIONS + 14) + u16(AT_REGIONS + 22)
            );
            if (hides) {
                c.tail = p;
                p = points(MSG_TAIL, p, 2);
            }
            store(SLOT_ALPHA, draw(DRAW_ALPHA));
            store(SLOT_BETA, draw(DRAW_BETA));
            c.stage2 = p;
            p = points(MSG_STAGE_2, p, u16(AT_REGIONS + 18));
            at.z = drawMany(DRAW_TAU, SLOT_FIRST, u8(AT_CUBE));
            store(SLOT_GAMMA, draw(DRAW_GAMMA));
            (p, at.columns, at.claim) =
                sextic(MSG_ZEROCHECK, DRAW_Z, p, u8(AT_CUBE), at.z, word(ROUNDS_AT));
            (p, at.entry) = _scalarsSlots(MSG_COLUMNS, p, _columns(), at.columns);
            p = _points(at, p, hides);
            uint256 count = _lambda(at);
            uint256 end;
            c.r = at.powers + (count << 5);
            (p, end, at.lastFactor, at.lastRunning) =
                quadratic(MSG_LAST, DRAW_R, p, u8(AT_VARIABLES), c.r);
            (p, c.value) = scalar(MSG_VALUE, p);
            c.weights = word(TABLE_AT);

            uint256 gap = _gap(c, at, end, hides);
            if (hides) {
                p = _tail(c, p, gap);
            } else if (gap != 0) {
                refuse("last");
            }
            c.p = p;
        }
    }

    /// @dev A message of scalars into slots; the 64 bytes before are kept.
    function _scalarsSlots(uint256 header, uint256 p, uint256 count, uint256 to)
        private
        pure
        returns (uint256 next, uint256 end)
    {
        unchecked {
            if (count == 0) return (p, to);
            uint256 a = word(to - 64);
            uint256 b = word(to - 32);
            next = scalarsTo(header, p, count, to);
            store(to - 64, a);
            store(to - 32, b);
            end = to + (count << 5);
        }
    }

    /// @dev The slots before SLOT_ALPHA.
    function _constants() private pure {
        assembly {
            mstore(SCALARS, 0)
            mstore(add(SCALARS, 0x20), 1)
            mstore(add(SCALARS, 0x40), HALF)
            // 2^k / (1 + 2^k) for k = 64, 32, 16, and the product of all 1 + 2^k
            mstore(add(SCALARS, 0x60), 0x156214a8a5232e42bf29496360871fadf1c61a69ab51e4523d5903143560d9f8)
            mstore(add(SCALARS, 0x80), 0x13aacaab707a661834988ecd6078650a09b0f4f4d77cc59a3a1ed4c9580acdb1)
            mstore(add(SCALARS, 0xa0), 0x0fd6a4be80ea472ba081d56f588fc726266466e061c6ca0b2196b1540c3753ca)
            mstore(add(SCALARS, 0xc0), 0x10001000100010001000100010001)
            mstore(add(SCALARS, 0xe0), sub(P, 1))
            mstore(SLOT_ETA, 0)
            mstore(SLOT_X, 0)
            mstore(SLOT_FACTOR, 0)
        }
    }

    /// @dev From the entry point to the contractions' ends and their sacrifice.
    function _points(Slots memory at, uint256 p, bool hides) private pure returns (uint256) {
        unchecked {
            at.tableEntry = drawMany(DRAW_ENTRY, at.entry, 9);
            uint256 s = at.tableEntry;
            uint256 t = word(TABLE_AT) + (u16(AT_REGIONS + 2) << 6);
            for (uint256 left = u8(AT_TABLES); left != 0; --left) {
                uint256 w = word(t);
                uint256 count = (w >> 104) & 0xffffff;
                s = drawMany(DRAW_TABLE_ENTRY, s, bitsOf(count));
                t += TABLE_HEAD + count * ((w >> 96) & 0xff);
            }
            s = drawMany(DRAW_WORD_POINT, s, u16(AT_WORD_POINTS));
            at.kappa = drawMany(DRAW_ZERO_POINT, s, u16(AT_ZERO_POINTS));
            uint256 instances = u16(AT_INSTANCES);
            at.ends = at.kappa;
            at.powers = at.kappa;
            if (instances == 0) return p;
            store(SLOT_ETA, draw(DRAW_ETA));
            uint256 factor;
            (p, at.ends, factor, at.running) =
                quadratic(MSG_CONTRACTION, DRAW_KAPPA, p, u8(AT_ROUNDS), at.kappa);
            store(SLOT_FACTOR, factor);
            (p, at.sacrifice) = _scalarsSlots(MSG_ENDS, p, 2 * instances, at.ends);
            at.powers = at.sacrifice;
            if (hides) {
                store(SLOT_X, draw(DRAW_X));
                (p, at.powers) = _scalarsSlots(MSG_SACRIFICE, p, 2 * instances, at.sacrifice);
            }
            return p;
        }
    }

    /// @dev All powers of lambda: as many as there are claims. Their number.
    function _lambda(Slots memory at) private pure returns (uint256 count) {
        unchecked {
            uint256 instances = u16(AT_INSTANCES);
            uint256 fifth = _fifth();
            count = fifth;
            if (instances != 0) {
                count += 1 + instances * (u8(AT_FLAGS) & HIDING != 0 ? 5 : 2);
            }
            uint256 lambda = draw(DRAW_LAMBDA);
            uint256 to = at.powers;
            assembly {
                let power := 1
                for { let end := add(to, shl(5, count)) } lt(to, end) { to := add(to, 0x20) } {
                    mstore(to, power)
                    power := mulmod(power, lambda, mload(PRIME_AT))
                }
                to := add(mload(add(at, 0xe0)), shl(5, fifth))
                if instances { mstore(SLOT_FACTOR, mulmod(mload(SLOT_FACTOR), mload(to), mload(PRIME_AT))) }
            }
        }
    }

    /// @dev How many claims come before the contraction's.
    function _fifth() private pure returns (uint256) {
        unchecked {
            return 3 + _columns() + u8(AT_TABLES) + u16(AT_PUBLIC) + u16(AT_PLAIN);
        }
    }

    /// @dev L(r) y - (claim after the last round), which has to be 0 or the pads' share.
    function _gap(Claimed memory c, Slots memory at, uint256 pool, bool hides)
        private
        pure
        returns (uint256 gap)
    {
        unchecked {
            // tables, then constants, then operations, then the names of their results
            uint256 sides = at.powers + ((1 + _columns()) << 5);
            uint256 value = rangeTables(sides, at.entry, c.r);
            uint256 names;
            {
                uint256 more;
                (names, more) = customTables(
                    c.weights + (u16(AT_REGIONS + 2) << 6), sides + 32, at.tableEntry, c.r
                );
                (names, pool) = _pool(names, pool);
                names = runOperations(names, pool);
                value = _add(value, more);
            }
            value = _add(value, _output(names, 11));
            uint256 constant_ = _add(at.claim, P - relation(names, at.columns));
            constant_ = _add(constant_, _output(names, 10));
            constant_ = _add(constant_, P - dot(at.columns, at.powers + 32, _columns()));
            uint256 free = word(SCRATCH_AT);
            uint256 instances = u16(AT_INSTANCES);
            if (instances != 0) {
                uint256 fifth = at.powers + (_fifth() << 5);
                uint256 more = contractions(
                    names + 24, fifth, at.ends, at.sacrifice, free, at.running
                );
                constant_ = _add(constant_, more);
                if (hides) {
                    more = blockAt(u32(AT_TRIPLES), free, 6 * instances, c.r, free + 192 * instances);
                    value = _add(value, more);
                }
            }
            if (hides) value = _add(value, _pads(c.r, at, instances, free));
            assembly {
                // claim after the rounds = factor * (- constant) + running
                let claim := mulmod(mload(add(at, 0x140)), sub(mload(PRIME_AT), constant_), mload(PRIME_AT))
                claim := addmod(claim, mload(add(at, 0x160)), mload(PRIME_AT))
                gap := addmod(mulmod(value, mload(add(c, 0x40)), mload(PRIME_AT)), sub(mload(PRIME_AT), claim), mload(PRIME_AT))
            }
        }
    }

    /// @dev The table's constants into slots.
    function _pool(uint256 from, uint256 to) private pure returns (uint256, uint256) {
        uint256 narrow = u16(AT_NARROW);
        uint256 wide = u16(AT_WIDE);
        assembly {
            for {} narrow { narrow := sub(narrow, 1) } {
                let v := signextend(7, shr(192, mload(from)))
                mstore(to, add(v, mul(mload(PRIME_AT), slt(v, 0))))
                from := add(from, 8)
                to := add(to, 0x20)
            }
            for {} wide { wide := sub(wide, 1) } {
                mstore(to, mload(from))
                from := add(from, 0x20)
                to := add(to, 0x20)
            }
        }
        return (from, to);
    }

    /// @dev Pads and slots: weights of what a hiding proof adds, at r.
    function _pads(uint256 r, Slots memory at, uint256 instances, uint256 free)
        private
        pure
        returns (uint256 value)
    {
        unchecked {
            uint256 fifth = instances == 0 ? 0 : word(at.powers + (_fifth() << 5));
            uint256 count = padWeights(free, word(ROUNDS_AT), at.kappa, fifth);
            value = blockAt(u32(AT_PADS), free, count, r, free + (count << 5));
            uint256 slots = blockAt(u32(AT_SLOTS), at.powers + 32, _columns(), r, free);
            uint256 position = eqAt(at.z, u8(AT_CUBE), u32(AT_POSITION));
            assembly {
                value := addmod(value, mulmod(slots, position, mload(PRIME_AT)), mload(PRIME_AT))
            }
        }
    }

    /// @dev The messages after `value`, and <pads' weights, P2 + g M2> = gap + g <.., M2>.
    function _tail(Claimed memory c, uint256 p, uint256 gap) private pure returns (uint256) {
        unchecked {
            uint256 n = u8(AT_VARIABLES);
            uint256 masked;
            (p, masked) = scalar(MSG_TAIL_MASK, p);
            uint256 g = draw(DRAW_G);
            c.g = g;
            if (g == 0) refuse("tail");
            c.tailRow = p;
            uint256 free = word(SCRATCH_AT);
            p = scalarsTo(MSG_TAIL_ROW, p, 2 * n, free);
            (p, c.tailBlinding) = scalar(MSG_TAIL_BLINDING, p);
            quadraticPads(free + (n << 6), c.r, n, 1);
            uint256 sum = dot(free, free + (n << 6), 2 * n);
            assembly {
                sum := addmod(sum, sub(mload(PRIME_AT), addmod(gap, mulmod(g, masked, mload(PRIME_AT)), mload(PRIME_AT))), mload(PRIME_AT))
            }
            if (sum != 0) refuse("tail");
            return p;
        }
    }

    function _output(uint256 names, uint256 i) private pure returns (uint256 v) {
        assembly {
            v := mload(and(shr(NAME_0, mload(add(names, shl(1, i)))), NAME_MASK))
        }
    }

    function _add(uint256 a, uint256 b) private pure returns (uint256 sum) {
        assembly {
            sum := addmod(a, b, mload(PRIME_AT))
        }
    }
}
