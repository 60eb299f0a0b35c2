// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import "./native/Memory.sol";
import {runOperations} from "./native/Operations.sol";

/// @title The verifier's operations alone: what they make of any scalars and vectors.
contract Machine {
    /// @param given scalars that are there before, 32 bytes each.
    /// @param vectors the memory of vectors, 32 bytes an entry.
    /// @param program operations, ended by a zero byte.
    /// @param results how many scalars they append.
    /// @return all scalars, then all vectors.
    function run(
        bytes calldata given,
        bytes calldata vectors,
        bytes calldata program,
        uint256 results
    ) external pure returns (bytes memory) {
        uint256 code;
        uint256 top;
        assembly {
            mstore(PRIME_AT, P)
            mstore(ROOM_AT, add(shl(1, P), 1))
            calldatacopy(SCALARS, given.offset, given.length)
            top := add(SCALARS, given.length)
            code := add(top, shl(5, results))
            calldatacopy(code, program.offset, program.length)
            let at := and(add(add(code, program.length), 63), not(31))
            mstore(VECTORS_AT, at)
            calldatacopy(at, vectors.offset, vectors.length)
            // scratch behind the vectors, and full of what others left
            at := add(at, vectors.length)
            mstore(SCRATCH_AT, at)
            for { let end := add(at, 0x8000) } lt(at, end) { at := add(at, 0x20) } {
                mstore(at, not(at))
            }
        }
        require(runOperations(code, top) == code + program.length, "not at the end");
        assembly {
            // vectors behind the scalars, as `bytes`
            let size := sub(code, SCALARS)
            mcopy(code, mload(VECTORS_AT), vectors.length)
            mstore(sub(SCALARS, 0x20), add(size, vectors.length))
            mstore(sub(SCALARS, 0x40), 0x20)
            return(sub(SCALARS, 0x40), add(add(size, vectors.length), 0x40))
        }
    }
}
