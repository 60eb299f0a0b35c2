// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from
    "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {ModelRegistry} from "./ModelRegistry.sol";
import {PullPayments} from "./PullPayments.sol";
import {VerifierRouter} from "./VerifierRouter.sol";

/// @title Work that is paid against a proof of it, and against nothing else.
/// @notice
///     post -> Open --lease--> Offered --accept--> Accepted --fulfil--> Completed
///              |  <-decline/lapse-'  `--fulfil--> Completed   `--expire--> Expired
///              `--refund--> Refunded
/// @notice A client posts a job with its budget: a circuit, a digest of the input, and what happens
///         when. Providers bid by signature. The client leases the job to one bid; the provider
///         accepts, which locks its collateral, and fulfils with a proof of this circuit on this
///         input, bound to this job and this provider. Only that releases the budget.
/// @notice INPUTS THAT NO PROOF COVERS. Some inputs lead to no proof: a value beyond what the circuit
///         was calibrated for, or data that the client never hands over. A contract cannot tell
///         these from idleness, so it never has to: a lease binds nobody but the client. Until the
///         provider has called `accept` it may decline, or do nothing, and loses nothing; it accepts
///         after it has seen the input. Running the integer circuit, which costs next to nothing,
///         tells whether a proof exists; and since a proof is bound to job and provider only, not to
///         the lease's time, a careful provider proves *before* it accepts, or fulfils an offered
///         lease without accepting at all. What a provider that accepts stands for is its own
///         knowledge, not the client's word. There is no other exit: a proof of unprovability would
///         protect a provider that did not look, and a declaration without proof would make every
///         collateral worthless.
/// @notice PROVIDERS' IDLENESS. A provider that bids and does not accept costs the client the time it
///         granted itself (`acceptSeconds`) and is named in `LeaseLapsed`, which only a signed bid can
///         bring about. A provider that accepts and is late loses its collateral: half goes to the
///         client, half to nobody, so that a client gains less by hindering it than it loses.
/// @notice CLIENTS' IDLENESS. From lease to deadline a client can take nothing back; otherwise it
///         could read the output in a pending `fulfil` and withdraw the budget before it is mined.
///         Whoever needs money back after a deadline may call `refund` or `expire` for everybody.
/// @notice A verifier that is revoked in the router makes proofs impossible through no fault of the
///         provider. Whoever was not late before then keeps its collateral, and neither `refund` nor
///         `expire` waits for a deadline.
/// @notice An output that is a commitment is not handed over by a proof of it. Clients order public
///         outputs, or arrange for the opening.
/// @dev A job's identifier is a digest of its terms, client and salt included, so that neither a
///      reorganisation of the chain nor anybody else can put other terms under it, and it is never
///      used twice. Two slots are stored for a job; callers bring the terms, from `JobPosted`.
///      Tokens whose balances change by themselves are not supported; nobody but those who chose
///      such a token is hurt. `fulfil` calls no token and nobody's code but the router's.
contract JobMarket is PullPayments, EIP712 {
    using SafeERC20 for IERC20;

    enum State {
        None,
        Open,
        Offered,
        Accepted,
        Completed,
        Refunded,
        Expired
    }

    /// @notice Why a provider declines.
    enum Reason {
        Other,
        InputMissing,
        InputUnprovable
    }

    /// @param client Who posts and pays.
    /// @param system The proof system's name in the router.
    /// @param circuit The circuit; its batch says how many inferences the job is. Anyone may register
    ///        a circuit under any key's digest: it is this identifier that both sides compare with
    ///        the one they make from the key.
    /// @param inputDigest Keccak-256 of the inputs' public words; of nothing if it has none.
    /// @param linkedDigest Keccak-256 of the first `linkedInputs` digests that the verifier reports,
    ///        32 bytes each: the commitments of private inputs.
    /// @param linkedInputs How many inputs are bound by commitment.
    /// @param royalty The model's part of the price in basis points, as it is registered.
    /// @param modelId The model in the ModelRegistry that shares in the price; 0 for none.
    /// @param token What is paid in; zero for the native coin. Collateral is always native.
    /// @param budget The most the job may cost; held from `post` on.
    /// @param collateral What a provider loses if it accepts and is late.
    /// @param expiry After this time there is no lease, and anyone may have the client refunded.
    /// @param acceptSeconds How long a lease waits to be accepted or fulfilled.
    /// @param provingSeconds How long a provider has from its acceptance.
    /// @param salt Tells equal jobs apart.
    struct Terms {
        address client;
        bytes4 system;
        bytes32 circuit;
        bytes32 inputDigest;
        bytes32 linkedDigest;
        uint8 linkedInputs;
        uint16 royalty;
        uint256 modelId;
        address token;
        uint128 budget;
        uint128 collateral;
        uint40 expiry;
        uint32 acceptSeconds;
        uint32 provingSeconds;
        uint256 salt;
    }

    /// @param provider Who holds the lease, if anybody.
    /// @param until Last second of the offer or of the lease.
    /// @param state Where the job is.
    /// @param price What the provider asks.
    struct Job {
        address provider;
        uint40 until;
        State state;
        uint128 price;
    }

    /// @notice A provider's offer; it signs this (EIP-712). It binds the provider to nothing, and one
    ///         lease uses it up.
    struct Bid {
        uint256 job;
        address provider;
        uint128 price;
        uint40 expiry;
    }

    /// @param available Not locked: can be withdrawn, or locked for a lease.
    /// @param locked At stake in accepted leases.
    struct Collateral {
        uint128 available;
        uint128 locked;
    }

    /// @param input The inputs' public words, or where the provider finds the input: not checked
    ///        here, whoever accepts checks it against the terms.
    event JobPosted(uint256 indexed job, address indexed client, Terms terms, bytes input);
    /// @notice A bid for everybody to see. Its signature is not checked here.
    event BidAnnounced(
        uint256 indexed job,
        address indexed provider,
        uint128 price,
        uint40 expiry,
        bytes signature
    );
    event JobLeased(uint256 indexed job, address indexed provider, uint128 price, uint40 until);
    event LeaseAccepted(uint256 indexed job, address indexed provider, uint40 until);
    event LeaseDeclined(uint256 indexed job, address indexed provider, Reason reason);
    /// @notice A provider let a lease that it had bid for lapse.
    event LeaseLapsed(uint256 indexed job, address indexed provider);
    /// @notice A proof was verified. Its words and bytes are the transaction's calldata.
    event JobCompleted(
        uint256 indexed job,
        address indexed provider,
        bytes32 indexed keyDigest,
        uint128 price,
        bytes32 wordsDigest,
        bytes32 proofDigest,
        bytes32[] linked
    );
    event JobRefunded(uint256 indexed job);
    /// @param slashed What the provider lost.
    event JobExpired(uint256 indexed job, address indexed provider, uint128 slashed);
    /// @param uri Where people find the provider and what it offers.
    event ProviderRegistered(address indexed provider, string uri);
    event CollateralDeposited(address indexed provider, uint256 amount);
    event CollateralWithdrawn(address indexed provider, uint256 amount);
    /// @notice What a model earned here went to the ModelRegistry.
    event RoyaltyPaid(uint256 indexed modelId, address indexed token, uint256 amount);

    error NotClient(address client);
    error NotProvider(address provider);
    error JobExists(uint256 job);
    /// @notice The job is in another state than the call needs.
    error WrongState(uint256 job, State state);
    /// @notice Too late for this call; the time is over since `until`.
    error TooLate(uint256 until);
    /// @notice Too early for this call; it can be made after `until`.
    error TooEarly(uint256 until);
    /// @notice A duration is zero or too long, or the expiry is over.
    error BadTimes();
    /// @notice Neither words nor a commitment binds the input.
    error UnboundInput();
    /// @notice The model is deprecated, or circuit or royalty are not the model's.
    error OtherModel(uint256 modelId);
    /// @notice The bid is for another job, dearer than the budget, or was leased to before.
    error BadBid();
    error BadSignature(address provider);
    /// @notice The provider's available collateral does not suffice.
    error TooLittleCollateral(address provider, uint128 available, uint128 needed);
    /// @notice The proof is about another input.
    error OtherInput(bytes32 inputDigest, bytes32 linkedDigest);

    bytes32 private constant _BID_TYPE =
        keccak256("Bid(uint256 job,address provider,uint128 price,uint40 expiry)");

    /// @notice The longest `acceptSeconds` and `provingSeconds`.
    uint32 public constant MAX_SECONDS = 365 days;

    /// @notice Where the half of a slashed collateral goes that the client does not get.
    address public constant NOBODY = 0x000000000000000000000000000000000000dEaD;

    /// @notice Who knows the verifiers.
    VerifierRouter public immutable ROUTER;
    /// @notice Who knows the models and pays their contributors.
    ModelRegistry public immutable MODELS;

    /// @dev A chain that changes its number would otherwise lose its jobs, and what they hold.
    uint256 private immutable _CHAIN;

    /// @notice Number of jobs ever posted: as many `JobPosted` there are.
    uint256 public count;

    mapping(uint256 job => Job) public jobs;
    mapping(bytes32 bidDigest => bool) public leased;
    mapping(address provider => Collateral) public collateral;

    /// @notice What models earned here and `payRoyalty` has not handed on.
    mapping(uint256 modelId => mapping(address token => uint256)) public royalties;

    constructor(VerifierRouter router, ModelRegistry models) EIP712("verifai JobMarket", "1") {
        ROUTER = router;
        MODELS = models;
        _CHAIN = block.chainid;
    }

    // ---------------------------------------------------------------- clients

    /// @notice Post a job and pay its budget in.
    /// @param input The inputs' public words, or where the provider finds the input.
    function post(Terms calldata terms, bytes calldata input)
        external
        payable
        nonReentrant
        returns (uint256 job)
    {
        if (terms.client != msg.sender) revert NotClient(terms.client);
        if (
            terms.expiry < block.timestamp || _badDuration(terms.acceptSeconds)
                || _badDuration(terms.provingSeconds)
        ) revert BadTimes();
        (bytes32 keyDigest, uint256 inputBytes) = ROUTER.circuitOf(terms.system, terms.circuit);
        if (inputBytes == 0 && terms.linkedInputs == 0) revert UnboundInput();
        _checkModel(terms, keyDigest);
        job = jobId(terms);
        if (jobs[job].state != State.None) revert JobExists(job);
        jobs[job].state = State.Open;
        ++count;
        _take(terms.token, terms.budget);
        emit JobPosted(job, msg.sender, terms, input);
    }

    /// @notice Lease a job to the provider whose bid this is.
    function lease(Terms calldata terms, Bid calldata bid, bytes calldata signature) external {
        (uint256 id, Job storage job) = _job(terms);
        if (terms.client != msg.sender) revert NotClient(terms.client);
        _reopen(id, job, 0);
        _notAfter(terms.expiry);
        _notAfter(bid.expiry);
        bytes32 digest = bidDigest(bid);
        if (bid.job != id || bid.price > terms.budget || leased[digest]) revert BadBid();
        leased[digest] = true;
        if (!SignatureChecker.isValidSignatureNow(bid.provider, digest, signature)) {
            revert BadSignature(bid.provider);
        }
        _requireCollateral(bid.provider, terms.collateral);
        uint40 until = uint40(block.timestamp) + terms.acceptSeconds;
        jobs[id] = Job(bid.provider, until, State.Offered, bid.price);
        emit JobLeased(id, bid.provider, bid.price, until);
    }

    /// @notice Give the budget back, unless a lease is in force. Until the job's expiry the client
    ///         alone may ask for it, afterwards anyone.
    function refund(Terms calldata terms) external {
        (uint256 id, Job storage job) = _job(terms);
        if (terms.client != msg.sender && block.timestamp <= terms.expiry) {
            revert NotClient(terms.client);
        }
        _reopen(id, job, ROUTER.revokedAt(terms.system));
        job.state = State.Refunded;
        _credit(terms.token, terms.client, terms.budget);
        emit JobRefunded(id);
    }

    /// @notice End a job whose provider accepted and was late, or whose verifier was revoked. Anyone
    ///         may call it.
    function expire(Terms calldata terms) external {
        (uint256 id, Job storage job) = _job(terms);
        if (job.state != State.Accepted) revert WrongState(id, job.state);
        uint256 revoked = ROUTER.revokedAt(terms.system);
        if (revoked == 0 && block.timestamp <= job.until) revert TooEarly(job.until);
        job.state = State.Expired;
        _credit(terms.token, terms.client, terms.budget);
        uint128 slashed = revoked != 0 && revoked <= job.until ? 0 : terms.collateral;
        Collateral storage own = collateral[job.provider];
        own.locked -= terms.collateral;
        own.available += terms.collateral - slashed;
        _credit(NATIVE, terms.client, slashed / 2);
        _credit(NATIVE, NOBODY, slashed - slashed / 2);
        emit JobExpired(id, job.provider, slashed);
    }

    // -------------------------------------------------------------- providers

    /// @notice Say who you are; coins sent along become available collateral.
    function registerProvider(string calldata uri) external payable {
        emit ProviderRegistered(msg.sender, uri);
        if (msg.value != 0) _deposit();
    }

    /// @notice Add to the sender's available collateral.
    function depositCollateral() external payable {
        _deposit();
    }

    /// @notice Fetch available collateral.
    function withdrawCollateral(uint128 amount) external nonReentrant {
        _requireCollateral(msg.sender, amount);
        collateral[msg.sender].available -= amount;
        _credit(NATIVE, msg.sender, amount);
        emit CollateralWithdrawn(msg.sender, amount);
        _withdraw(NATIVE, msg.sender);
    }

    /// @notice Publish a bid. Whoever does not want to be underbid sends it to the client instead.
    function announceBid(uint256 job, uint128 price, uint40 expiry, bytes calldata signature)
        external
    {
        emit BidAnnounced(job, msg.sender, price, expiry, signature);
    }

    /// @notice Accept a lease, having seen the input: from here on lateness costs the collateral.
    function accept(Terms calldata terms) external {
        (uint256 id, Job storage job) = _offered(terms);
        _notAfter(job.until);
        _requireCollateral(msg.sender, terms.collateral);
        Collateral storage own = collateral[msg.sender];
        own.available -= terms.collateral;
        own.locked += terms.collateral;
        uint40 until = uint40(block.timestamp) + terms.provingSeconds;
        job.until = until;
        job.state = State.Accepted;
        emit LeaseAccepted(id, msg.sender, until);
    }

    /// @notice Decline a lease: the job is open again, and nothing is lost.
    function decline(Terms calldata terms, Reason reason) external {
        (uint256 id, Job storage job) = _offered(terms);
        _notAfter(job.until);
        jobs[id] = Job(address(0), 0, State.Open, 0);
        emit LeaseDeclined(id, msg.sender, reason);
    }

    /// @notice Hand the proof in and earn the price. Anyone may send it: it pays the provider.
    /// @param words Public words, the inputs' first.
    /// @param proof A proof whose context is `contextOf(job, provider)`.
    function fulfil(Terms calldata terms, bytes calldata words, bytes calldata proof) external {
        (uint256 id, Job storage job) = _job(terms);
        Job memory now_ = job;
        if (now_.state != State.Accepted && now_.state != State.Offered) {
            revert WrongState(id, now_.state);
        }
        _notAfter(now_.until);
        (bytes32 keyDigest, uint256 inputBytes, bytes32[] memory linked) = ROUTER.verify(
            terms.system, terms.circuit, keccak256(contextOf(id, now_.provider)), words, proof
        );
        _checkInput(terms, words[:inputBytes], linked);
        job.state = State.Completed;
        if (now_.state == State.Accepted) {
            Collateral storage own = collateral[now_.provider];
            own.locked -= terms.collateral;
            own.available += terms.collateral;
        }
        uint256 royalty = uint256(now_.price) * terms.royalty / 10_000;
        if (royalty != 0) royalties[terms.modelId][terms.token] += royalty;
        _credit(terms.token, now_.provider, now_.price - royalty);
        _credit(terms.token, terms.client, terms.budget - now_.price);
        emit JobCompleted(
            id,
            now_.provider,
            keyDigest,
            now_.price,
            keccak256(words),
            keccak256(proof),
            linked
        );
    }

    // ------------------------------------------------------------------ models

    /// @notice Hand on to the ModelRegistry what a model earned. Anyone may call it.
    function payRoyalty(uint256 modelId, address token) external nonReentrant {
        uint256 amount = royalties[modelId][token];
        royalties[modelId][token] = 0;
        emit RoyaltyPaid(modelId, token, amount);
        if (token == NATIVE) {
            MODELS.pay{value: amount}(modelId, token, amount);
        } else {
            IERC20(token).forceApprove(address(MODELS), amount);
            MODELS.pay(modelId, token, amount);
        }
    }

    // ------------------------------------------------------------------- views

    /// @notice The identifier of a job with these terms, on this chain (by the number it had when
    ///         this contract was created), in this contract.
    function jobId(Terms calldata terms) public view returns (uint256) {
        return uint256(keccak256(abi.encode(_CHAIN, address(this), terms)));
    }

    /// @notice What a provider's proof for a job must be bound to: canonical JSON, whose Keccak-256
    ///         is the proof's context.
    function contextOf(uint256 job, address provider) public view returns (bytes memory) {
        return bytes.concat(
            '{"chain_id":',
            bytes(Strings.toString(block.chainid)),
            ',"contract":"',
            bytes(Strings.toHexString(address(this))),
            '","job":',
            bytes(Strings.toString(job)),
            ',"provider":"',
            bytes(Strings.toHexString(provider)),
            '"}'
        );
    }

    /// @notice What a provider signs to bid (EIP-712).
    function bidDigest(Bid calldata bid) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(_BID_TYPE, bid.job, bid.provider, bid.price, bid.expiry))
        );
    }

    // ----------------------------------------------------------------- private

    function _job(Terms calldata terms) private view returns (uint256 id, Job storage job) {
        id = jobId(terms);
        job = jobs[id];
    }

    /// @dev The job, if it is offered to the sender.
    function _offered(Terms calldata terms) private view returns (uint256 id, Job storage job) {
        (id, job) = _job(terms);
        if (job.state != State.Offered) revert WrongState(id, job.state);
        if (job.provider != msg.sender) revert NotProvider(job.provider);
    }

    /// @dev Only an open job passes, or one whose offer has lapsed, or was overtaken by a revocation
    ///      of the verifier (`revoked`, 0 for none), which is then open again.
    function _reopen(uint256 id, Job storage job, uint256 revoked) private {
        State state = job.state;
        if (state == State.Open) return;
        if (state != State.Offered) revert WrongState(id, state);
        uint40 until = job.until;
        if (revoked == 0 && block.timestamp <= until) revert TooEarly(until);
        // What a revocation overtook has not lapsed.
        if (revoked == 0 || revoked > until) emit LeaseLapsed(id, job.provider);
        jobs[id] = Job(address(0), 0, State.Open, 0);
    }

    function _deposit() private {
        collateral[msg.sender].available += uint128(msg.value);
        emit CollateralDeposited(msg.sender, msg.value);
    }

    function _requireCollateral(address provider, uint128 needed) private view {
        uint128 available = collateral[provider].available;
        if (available < needed) revert TooLittleCollateral(provider, available, needed);
    }

    function _checkModel(Terms calldata terms, bytes32 keyDigest) private view {
        if (terms.modelId == 0) {
            if (terms.royalty != 0) revert OtherModel(0);
            return;
        }
        ModelRegistry.Model memory model = MODELS.getModel(terms.modelId);
        if (
            model.deprecated || model.vkHash != keyDigest
                || model.proofSystemId != terms.system || model.royalty != terms.royalty
        ) revert OtherModel(terms.modelId);
    }

    function _checkInput(Terms calldata terms, bytes calldata input, bytes32[] memory linked)
        private
        pure
    {
        bytes32 inputDigest = keccak256(input);
        bytes32[] memory first = new bytes32[](terms.linkedInputs);
        bool enough = linked.length >= first.length;
        for (uint256 i = 0; enough && i < first.length; ++i) {
            first[i] = linked[i];
        }
        bytes32 linkedDigest = keccak256(abi.encodePacked(first));
        if (!enough || inputDigest != terms.inputDigest || linkedDigest != terms.linkedDigest) {
            revert OtherInput(inputDigest, linkedDigest);
        }
    }

    function _badDuration(uint32 duration) private pure returns (bool) {
        return duration == 0 || duration > MAX_SECONDS;
    }

    /// @dev Windows are chosen by those concerned; a proposer of blocks shifts the time by seconds.
    function _notAfter(uint256 until) private view {
        if (block.timestamp > until) revert TooLate(until);
    }
}
