// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.20;

/// @title What a proof system's verifier contract offers.
interface IVerifier {
    /// @param proof The argument, in the proof system's own encoding.
    /// @param instances Public field elements.
    /// @return True if the argument proves the instances; anything else is a refusal.
    function verifyProof(bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bool);
}

/// @title A public record of proofs that a verifier contract accepted.
/// @notice Anyone may publish. A proof that is refused reverts and changes nothing, so there is no
///         record of failures that somebody could provoke, by starving the call of gas for example.
/// @notice The registry knows no verifying keys. That `verifier` accepted `argument` for
///         `instances` in this transaction is a fact; `keyDigest`, `statementDigest` and
///         `bundleDigest` are CLAIMS of the publisher. An auditor settles them from public data:
///         rebuild the bundle from the transaction's calldata with the key of that digest, compare
///         its digests, verify it again, and compare `verifierCodeHash` with the hash of the code
///         compiled from the key. A contract that accepts everything can be published here under
///         any digest, and fails exactly that audit.
/// @dev No owner, no upgrade, no ether, no payment. The only external call is a STATICCALL, which
///      cannot re-enter `publish` because that writes state.
contract ProofRegistry {
    /// @notice A verifier accepted a proof.
    /// @param keyDigest Claimed SHA-256 digest of the verifying key.
    /// @param statementDigest Claimed digest of the statement.
    /// @param publisher Sender of the call.
    /// @param bundleDigest Claimed digest of the proof bundle.
    /// @param verifier The contract that accepted.
    /// @param verifierCodeHash Keccak-256 of its code when it did (EIP-1052).
    /// @param previousBlock Block of the record before this one, 0 for the first: the chain of all
    ///        records can be walked backwards without an indexer.
    event ProofPublished(
        bytes32 indexed keyDigest,
        bytes32 indexed statementDigest,
        address indexed publisher,
        bytes32 bundleDigest,
        address verifier,
        bytes32 verifierCodeHash,
        uint256 previousBlock
    );

    /// @notice There is no code at the verifier's address; a call to it would "succeed".
    error VerifierWithoutCode(address verifier);

    /// @notice `instances[index]` is not below the BN254 scalar modulus, so that it would be a
    ///         second spelling of another statement.
    error InstanceOutOfRange(uint256 index, uint256 value);

    /// @notice The verifier reverted, returned something else than exactly one word, or a word
    ///         other than `true`.
    error ProofRefused();

    /// @notice The same publication is on record; see `publishedIn`.
    error AlreadyPublished(bytes32 bundleDigest);

    /// @notice Order of the BN254 scalar field (EIP-196's curve order).
    uint256 public constant SCALAR_MODULUS =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;

    /// @notice Block in which this registry was created: no record is older.
    uint64 public createdIn;

    /// @notice Block of the newest record, 0 if there is none.
    uint64 public latestIn;

    /// @notice Number of records.
    uint64 public count;

    /// @notice Block of a record, 0 if there is none.
    /// @dev The identifier covers the whole publication, not the claimed `bundleDigest` alone:
    ///      otherwise anyone could occupy a digest seen in the mempool with a proof of something
    ///      else, and keep the true one out.
    mapping(bytes32 recordId => uint256 blockNumber) public publishedIn;

    constructor() {
        createdIn = uint64(block.number);
    }

    /// @notice Have `verifier` check a proof, and record that it did.
    /// @param verifier Contract with `verifyProof(bytes,uint256[])`.
    /// @param keyDigest Claimed digest of the verifying key.
    /// @param statementDigest Claimed digest of the statement.
    /// @param bundleDigest Claimed digest of the proof bundle.
    /// @param argument Proof bytes for the verifier.
    /// @param instances Public field elements for the verifier, each below `SCALAR_MODULUS`.
    function publish(
        address verifier,
        bytes32 keyDigest,
        bytes32 statementDigest,
        bytes32 bundleDigest,
        bytes calldata argument,
        uint256[] calldata instances
    ) external {
        if (verifier.code.length == 0) revert VerifierWithoutCode(verifier);
        _requireCanonical(instances);
        {
            bytes memory question = abi.encodeCall(IVerifier.verifyProof, (argument, instances));
            bytes32 id =
                recordId(verifier, keyDigest, statementDigest, bundleDigest, keccak256(question));
            if (publishedIn[id] != 0) revert AlreadyPublished(bundleDigest);
            if (!_accepts(verifier, question)) revert ProofRefused();
            publishedIn[id] = block.number;
        }
        emit ProofPublished(
            keyDigest,
            statementDigest,
            msg.sender,
            bundleDigest,
            verifier,
            verifier.codehash,
            _advance()
        );
    }

    /// @notice The identifier of a publication, as `publishedIn` wants it.
    /// @param questionHash Keccak-256 of the ABI-encoded call of `verifyProof`, selector included.
    /// @dev Other parameters as in `publish`.
    function recordId(
        address verifier,
        bytes32 keyDigest,
        bytes32 statementDigest,
        bytes32 bundleDigest,
        bytes32 questionHash
    ) public pure returns (bytes32) {
        return keccak256(
            abi.encode(verifier, keyDigest, statementDigest, bundleDigest, questionHash)
        );
    }

    /// @dev Count one record; returns the block of the one before it.
    function _advance() private returns (uint64 previousBlock) {
        previousBlock = latestIn;
        latestIn = uint64(block.number);
        ++count;
    }

    function _requireCanonical(uint256[] calldata instances) private pure {
        for (uint256 i = 0; i < instances.length; ) {
            if (instances[i] >= SCALAR_MODULUS) revert InstanceOutOfRange(i, instances[i]);
            unchecked {
                ++i;
            }
        }
    }

    /// @dev Assembly, because Solidity's own decoding takes any returned data of 32 bytes or more
    ///      and would copy all of it; here at most one word of a stranger's answer is read.
    function _accepts(address verifier, bytes memory question) private view returns (bool yes) {
        assembly ("memory-safe") {
            let ok := staticcall(gas(), verifier, add(question, 32), mload(question), 0, 32)
            yes := and(and(ok, eq(returndatasize(), 32)), eq(mload(0), 1))
        }
    }
}
