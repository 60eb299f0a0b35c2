// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {VerifierRouter} from "./VerifierRouter.sol";

/// @title A public record of native proofs, each verified in the transaction that records it.
/// @notice Anyone may publish. A proof that is refused reverts and changes nothing, so there is no
///         record of failures that somebody could provoke, by starving the call of gas for example.
/// @notice Circuit, context, words, commitments and proof are what the verifier checked, or digests
///         of it. `keyDigest` is what the circuit's registered table says of itself, and anyone may
///         register a table: an auditor makes the table of a key again and compares its digest, the
///         circuit. What a key stands for is the next question: compile the model again.
/// @notice One statement is recorded once for each publisher. Nobody can keep a true publication
///         out: a record needs a valid proof, and a copy of somebody's proof, taken from the pool of
///         pending transactions, is recorded under the copier's name beside the true one. Whoever
///         must not be copied binds itself in the proof's context, which a copier cannot change.
/// @dev No owner, no upgrade, no ether, no payment. The router is called by STATICCALL, which
///      cannot re-enter `publish` because that writes state: no guard is needed.
contract NativeProofRegistry {
    /// @notice A proof was verified. Its context, words and bytes are the transaction's calldata.
    /// @param keyDigest Digest of the verifying key, as the circuit's table says.
    /// @param circuit The circuit: the key's table for one batch size.
    /// @param publisher Sender of the call.
    /// @param system The proof system.
    /// @param contextDigest Keccak-256 of the context's canonical JSON, 0 without a context.
    /// @param wordsDigest Keccak-256 of the public words.
    /// @param proofDigest Keccak-256 of the proof.
    /// @param linked Digests of the commitments that the proof is about.
    /// @param previousBlock Block of the record before this one, 0 for the first: the chain of all
    ///        records can be walked backwards without an indexer.
    event ProofPublished(
        bytes32 indexed keyDigest,
        bytes32 indexed circuit,
        address indexed publisher,
        bytes4 system,
        bytes32 contextDigest,
        bytes32 wordsDigest,
        bytes32 proofDigest,
        bytes32[] linked,
        uint256 previousBlock
    );

    /// @notice The publisher has recorded this statement; see `publishedIn`.
    error AlreadyPublished(bytes32 id);

    /// @notice Who knows the verifiers.
    VerifierRouter public immutable ROUTER;

    /// @notice Block in which this registry was created: no record is older.
    uint64 public immutable createdIn;

    /// @notice Block of the newest record, 0 if there is none.
    uint64 public latestIn;

    /// @notice Number of records.
    uint64 public count;

    /// @notice Block of a record, 0 if there is none.
    mapping(bytes32 id => uint256 blockNumber) public publishedIn;

    constructor(VerifierRouter router) {
        ROUTER = router;
        createdIn = uint64(block.number);
    }

    /// @notice Have a proof verified, and record that it was.
    /// @param system The proof system's name in the router.
    /// @param circuit The circuit.
    /// @param context Canonical JSON of what the proof is bound to; empty if to nothing.
    /// @param words Public words.
    /// @param proof The proof.
    function publish(
        bytes4 system,
        bytes32 circuit,
        bytes calldata context,
        bytes calldata words,
        bytes calldata proof
    ) external {
        bytes32 contextDigest = context.length == 0 ? bytes32(0) : keccak256(context);
        bytes32 wordsDigest = keccak256(words);
        (bytes32 keyDigest,, bytes32[] memory linked) =
            ROUTER.verify(system, circuit, contextDigest, words, proof);
        bytes32 id = recordId(msg.sender, system, circuit, contextDigest, wordsDigest, linked);
        if (publishedIn[id] != 0) revert AlreadyPublished(id);
        publishedIn[id] = block.number;
        emit ProofPublished(
            keyDigest,
            circuit,
            msg.sender,
            system,
            contextDigest,
            wordsDigest,
            keccak256(proof),
            linked,
            _advance()
        );
    }

    /// @notice The identifier of a statement of a publisher, as `publishedIn` wants it.
    /// @dev Without the proof's bytes: another proof of the same statement is no second record.
    function recordId(
        address publisher,
        bytes4 system,
        bytes32 circuit,
        bytes32 contextDigest,
        bytes32 wordsDigest,
        bytes32[] memory linked
    ) public pure returns (bytes32) {
        return keccak256(
            abi.encode(publisher, system, circuit, contextDigest, wordsDigest, linked)
        );
    }

    /// @dev Count one record; returns the block of the one before it.
    function _advance() private returns (uint64 previousBlock) {
        previousBlock = latestIn;
        latestIn = uint64(block.number);
        ++count;
    }
}
