// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {PullPayments} from "./PullPayments.sol";

/// @title Models: what they are, whose they are, and who shares in what they earn.
/// @notice Shaped as ERC-7992's registry, with differences: a record never changes (a new version is
///         a new model, named by `setSuccessor`), so there is no `updateModel`; `getModel` returns
///         what contracts need, the rest of the commitment is in the event `ModelRegistered` and is
///         what the identifier is a digest of; the error `ModelDeprecated` is called
///         `ModelIsDeprecated`, since the draft gives an event the same name and does not compile.
/// @notice A model's identifier covers its first owner. Anyone may register a commitment that is not
///         its own, under an identifier of its own: it keeps nobody out and redirects no payment
///         but those of whoever chooses that identifier. Which identifier is the true one is told by
///         the model's maker, not by this contract.
contract ModelRegistry is PullPayments {
    /// @notice ERC-7992's record.
    /// @param modelHash Digest of the model (weights and architecture).
    /// @param circuitHash Digest of the circuit it was compiled into.
    /// @param vkHash Digest of the verifying key: a verifier's `keyDigest`.
    /// @param proofSystemId The proof system's name in the router.
    /// @param uri Where people find more.
    struct ModelCommitment {
        bytes32 modelHash;
        bytes32 circuitHash;
        bytes32 vkHash;
        bytes4 proofSystemId;
        string uri;
    }

    /// @notice What a contributor contributed.
    enum Role {
        Data,
        Model,
        Application
    }

    /// @param account Who is paid.
    /// @param basisPoints Its part of the model's revenue; all parts sum to 10,000.
    /// @param role What for.
    struct Share {
        address account;
        uint16 basisPoints;
        Role role;
    }

    /// @param owner Who may deprecate the model and name its successor.
    /// @param proofSystemId As in the commitment.
    /// @param royalty The model's part of the price of a job, in basis points.
    /// @param deprecated Whether new jobs for it are refused.
    /// @param vkHash As in the commitment.
    /// @param sharesHash Keccak-256 of the ABI-encoded shares.
    struct Model {
        address owner;
        bytes4 proofSystemId;
        uint16 royalty;
        bool deprecated;
        bytes32 vkHash;
        bytes32 sharesHash;
    }

    /// @notice ERC-7992.
    event ModelRegistered(
        uint256 indexed modelId, address indexed owner, ModelCommitment commitment
    );
    /// @notice The rest of a registration.
    /// @param licence An SPDX expression, or where the licence's text is.
    event ModelTerms(uint256 indexed modelId, string licence, uint16 royalty, Share[] shares);
    /// @notice ERC-7992: new jobs for the model are refused.
    event ModelDeprecated(uint256 indexed modelId);
    /// @notice The owner says which model replaces this one.
    event SuccessorSet(uint256 indexed modelId, uint256 indexed successor);
    /// @notice The owner offers a model to a new one; nothing changes before that one accepts.
    event OwnershipOffered(uint256 indexed modelId, address indexed from, address indexed to);
    /// @notice A model has a new owner. Shares stay as they are.
    event OwnershipTransferred(uint256 indexed modelId, address indexed from, address indexed to);
    /// @notice A model earned something.
    event RevenueReceived(
        uint256 indexed modelId, address indexed token, address indexed from, uint256 amount
    );
    /// @notice A contributor's part was set aside for it.
    event RevenueClaimed(
        uint256 indexed modelId, address indexed token, address indexed account, uint256 amount
    );

    error ModelNotFound(uint256 modelId);
    error NotModelOwner(uint256 modelId, address caller);
    error ModelIsDeprecated(uint256 modelId);
    /// @notice The same owner registered exactly this before.
    error ModelExists(uint256 modelId);
    /// @notice The digest of the verifying key is missing.
    error NoVerifyingKey();
    /// @notice No share, too many, one that is empty or of nobody, or they do not sum to 10,000.
    error BadShares();
    /// @notice A royalty above 10,000 basis points.
    error BadRoyalty(uint16 royalty);
    /// @notice These are not the shares that were registered.
    error OtherShares(uint256 modelId);

    /// @notice The whole, in basis points.
    uint256 public constant WHOLE = 10_000;
    /// @notice The most contributors of one model.
    uint256 public constant MAX_SHARES = 64;

    mapping(uint256 modelId => Model) private _models;

    /// @notice To whom a model is offered, zero if to nobody.
    mapping(uint256 modelId => address) public offeredTo;

    /// @notice What a model earned so far.
    mapping(uint256 modelId => mapping(address token => uint256)) public revenue;

    /// @notice What was set aside so far for the contributor at a place of the shares.
    mapping(uint256 modelId => mapping(address token => mapping(uint256 index => uint256))) public
        claimed;

    /// @notice ERC-7992: register a model without licence and royalty; revenue is the sender's.
    function registerModel(ModelCommitment calldata commitment)
        external
        returns (uint256 modelId)
    {
        Share[] memory shares = new Share[](1);
        shares[0] = Share(msg.sender, uint16(WHOLE), Role.Model);
        return _register(commitment, "", 0, shares);
    }

    /// @notice Register a model with everything that belongs to it. None of it can be changed.
    /// @param commitment What the model is.
    /// @param licence An SPDX expression, or where the licence's text is.
    /// @param royalty The model's part of the price of a job, in basis points.
    /// @param shares Who shares in the model's revenue.
    function registerModelWithTerms(
        ModelCommitment calldata commitment,
        string calldata licence,
        uint16 royalty,
        Share[] calldata shares
    ) external returns (uint256 modelId) {
        return _register(commitment, licence, royalty, shares);
    }

    /// @notice ERC-7992: refuse new jobs for a model. Jobs on the way are not concerned.
    function deprecateModel(uint256 modelId) external {
        Model storage model = _owned(modelId);
        if (model.deprecated) revert ModelIsDeprecated(modelId);
        model.deprecated = true;
        emit ModelDeprecated(modelId);
    }

    /// @notice Say which model replaces this one: a hint for people, in an event only.
    function setSuccessor(uint256 modelId, uint256 successor) external {
        _owned(modelId);
        if (_models[successor].owner == address(0)) revert ModelNotFound(successor);
        emit SuccessorSet(modelId, successor);
    }

    /// @notice Offer a model to a new owner; the zero address takes the offer back.
    function offerOwnership(uint256 modelId, address to) external {
        _owned(modelId);
        offeredTo[modelId] = to;
        emit OwnershipOffered(modelId, msg.sender, to);
    }

    /// @notice Take a model that was offered to the sender.
    function acceptOwnership(uint256 modelId) external {
        if (msg.sender != offeredTo[modelId]) revert NotModelOwner(modelId, msg.sender);
        address from = _models[modelId].owner;
        delete offeredTo[modelId];
        _models[modelId].owner = msg.sender;
        emit OwnershipTransferred(modelId, from, msg.sender);
    }

    /// @notice Pay a model: a job's royalty, a licence fee, a gift.
    function pay(uint256 modelId, address token, uint256 amount) external payable nonReentrant {
        if (_models[modelId].owner == address(0)) revert ModelNotFound(modelId);
        _take(token, amount);
        revenue[modelId][token] += amount;
        emit RevenueReceived(modelId, token, msg.sender, amount);
    }

    /// @notice Send a contributor its part of what a model earned. Anyone may call it.
    /// @dev Parts are rounded down from the total, never from single payments: a contributor loses
    ///      less than one unit in all, and parts never sum to more than the revenue.
    /// @param shares The shares as registered.
    /// @param index The contributor's place among them.
    function claim(uint256 modelId, address token, Share[] calldata shares, uint256 index)
        external
        nonReentrant
    {
        Model storage model = _models[modelId];
        if (model.owner == address(0)) revert ModelNotFound(modelId);
        if (keccak256(abi.encode(shares)) != model.sharesHash) revert OtherShares(modelId);
        Share calldata share = shares[index];
        uint256 total = revenue[modelId][token] * share.basisPoints / WHOLE;
        uint256 amount = total - claimed[modelId][token][index];
        claimed[modelId][token][index] = total;
        _credit(token, share.account, amount);
        emit RevenueClaimed(modelId, token, share.account, amount);
        _withdraw(token, share.account);
    }

    /// @notice A model's record.
    function getModel(uint256 modelId) external view returns (Model memory model) {
        model = _models[modelId];
        if (model.owner == address(0)) revert ModelNotFound(modelId);
    }

    /// @notice The identifier that a registration by `owner` has, on every chain.
    function modelIdOf(
        address owner,
        ModelCommitment memory commitment,
        string memory licence,
        uint16 royalty,
        Share[] memory shares
    ) public pure returns (uint256) {
        return uint256(keccak256(abi.encode(owner, commitment, licence, royalty, shares)));
    }

    function _register(
        ModelCommitment calldata commitment,
        string memory licence,
        uint16 royalty,
        Share[] memory shares
    ) private returns (uint256 modelId) {
        if (commitment.vkHash == 0) revert NoVerifyingKey();
        if (royalty > WHOLE) revert BadRoyalty(royalty);
        _checkShares(shares);
        modelId = modelIdOf(msg.sender, commitment, licence, royalty, shares);
        if (_models[modelId].owner != address(0)) revert ModelExists(modelId);
        _models[modelId] = Model({
            owner: msg.sender,
            proofSystemId: commitment.proofSystemId,
            royalty: royalty,
            deprecated: false,
            vkHash: commitment.vkHash,
            sharesHash: keccak256(abi.encode(shares))
        });
        emit ModelRegistered(modelId, msg.sender, commitment);
        emit ModelTerms(modelId, licence, royalty, shares);
    }

    function _checkShares(Share[] memory shares) private pure {
        if (shares.length == 0 || shares.length > MAX_SHARES) revert BadShares();
        uint256 sum = 0;
        for (uint256 i = 0; i < shares.length; ++i) {
            if (shares[i].account == address(0) || shares[i].basisPoints == 0) revert BadShares();
            sum += shares[i].basisPoints;
        }
        if (sum != WHOLE) revert BadShares();
    }

    function _owned(uint256 modelId) private view returns (Model storage model) {
        model = _models[modelId];
        if (model.owner == address(0)) revert ModelNotFound(modelId);
        if (model.owner != msg.sender) revert NotModelOwner(modelId, msg.sender);
    }
}
