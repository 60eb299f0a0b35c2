// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title A proof system's verifier: one contract for all circuits of that system.
interface IProofVerifier {
    /// @notice Validate an operation table and keep it.
    /// @return circuit Its identifier, a digest of what was registered.
    function register(bytes calldata table) external returns (bytes32 circuit);

    /// @notice Returns if `proof` holds, and reverts with a typed error otherwise.
    /// @param circuit What `register` returned.
    /// @param context What the proof is bound to: Keccak-256 of canonical JSON, or zero.
    /// @param words Public words, 16 bytes each, big-endian: the input tensors', then the outputs'.
    /// @param proof The proof's bytes.
    /// @return linked Digests of the commitments of private inputs, then outputs, that the proof
    ///         is about.
    function verify(bytes32 circuit, bytes32 context, bytes calldata words, bytes calldata proof)
        external
        view
        returns (bytes32[] memory linked);

    /// @notice What is known about a circuit. For one that is not registered it reverts, or
    ///         `keyDigest` is zero.
    /// @param circuit What `register` returned.
    /// @return keyDigest Digest of table, weight commitments and reference string, as the registrant
    ///         says: who relies on a key makes its circuit's identifier again and compares that.
    /// @return batch Inferences per proof.
    /// @return inputWords Public words of the inputs, for the whole batch.
    /// @return outputWords Those of the outputs.
    /// @return hiding Whether proofs are zero-knowledge.
    /// @return developmentSrs Whether the reference string's secret is public.
    /// @return table The contract that holds the table as code.
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
        );
}
