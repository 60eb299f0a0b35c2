// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {JobMarket} from "../src/JobMarket.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {Prove} from "./Doubles.sol";
import {Market} from "./Market.sol";

/// @dev Random people doing random things, in any order and at any time, with right and wrong
///      proofs. Calls that the contract refuses are caught: what counts is what gets through.
contract Handler is Market {
    JobMarket.Terms[] private _jobs;
    JobMarket.Terms private _t;
    uint256 public modelId;

    /// @dev What should be, kept by hand.
    uint256 public completions;
    uint256 public earned; // by the provider, in both currencies
    uint256 public fetched;
    uint256 public deposited;
    uint256 public slashed;
    uint256 public collateralFetched;
    bool public paidWithoutProof;
    bool public paidTwice;
    bool public slashedInTime;
    bool public slashedWrongly;
    bool public fulfilledLate;
    mapping(uint256 job => uint256) public completedOften;

    constructor() {
        setUp();
        deposited = 10 ether;
        vm.deal(client, 1e30);
        vm.deal(provider, 1e30);
        token.mint(client, 1e30);
        ModelRegistry.Share[] memory shares = new ModelRegistry.Share[](1);
        shares[0] = ModelRegistry.Share(stranger, 10_000, ModelRegistry.Role.Model);
        modelId = models.registerModelWithTerms(
            ModelRegistry.ModelCommitment("m", "c", "key", SYSTEM, ""), "MIT", 1234, shares
        );
    }

    function doPost(uint64 budget, uint64 stake, uint16 window, bool inToken, bool model) external {
        _t = terms();
        _t.salt = _jobs.length;
        _t.token = inToken ? address(token) : address(0);
        (_t.budget, _t.collateral) = (budget, stake);
        (_t.acceptSeconds, _t.provingSeconds) = (uint32(window) + 1, uint32(window) + 1);
        _t.expiry = uint40(block.timestamp + 4 * uint256(window));
        if (model) (_t.modelId, _t.royalty) = (modelId, 1234);
        post(_t);
        _jobs.push(_t);
    }

    function doLease(uint256 which, uint64 price) external {
        if (!_pick(which)) return;
        JobMarket.Bid memory bid = bidOf(_t, price);
        bid.expiry = type(uint40).max;
        bytes memory signature = sign(bid, KEY);
        vm.prank(client);
        try market.lease(_t, bid, signature) {} catch {}
    }

    function doAccept(uint256 which) external {
        if (!_pick(which)) return;
        vm.prank(provider);
        try market.accept(_t) {} catch {}
    }

    function doDecline(uint256 which) external {
        if (!_pick(which)) return;
        vm.prank(provider);
        try market.decline(_t, JobMarket.Reason.Other) {} catch {}
    }

    /// @dev A proof of the job half of the time; otherwise one of another job, provider or input.
    function doFulfil(uint256 which, uint8 kind, uint256 other) external {
        if (!_pick(which)) return;
        uint256 id = market.jobId(_t);
        bytes memory words = output();
        uint256 job = kind % 6 == 1 ? other : id;
        address who = kind % 6 == 2 ? stranger : provider;
        if (kind % 6 == 3) words[0] = 0x55;
        bool right = job == id && who == provider && kind % 6 != 3;
        (, uint40 until,, uint128 price) = market.jobs(id);
        bytes memory proof =
            Prove.prove(circuit, keccak256(market.contextOf(job, who)), words, NONE);
        uint256 before = market.owed(_t.token, provider) + market.royalties(_t.modelId, _t.token);
        try market.fulfil(_t, words, proof) {
            paidWithoutProof = paidWithoutProof || !right;
            paidTwice = paidTwice || completedOften[id] != 0;
            fulfilledLate = fulfilledLate || block.timestamp > until;
            ++completedOften[id];
            ++completions;
            earned += price;
        } catch {
            price = 0;
        }
        uint256 gained =
            market.owed(_t.token, provider) + market.royalties(_t.modelId, _t.token) - before;
        paidWithoutProof = paidWithoutProof || gained != price;
    }

    function doRefund(uint256 which, bool byClient) external {
        if (!_pick(which)) return;
        vm.prank(byClient ? client : stranger);
        try market.refund(_t) {} catch {}
    }

    function doExpire(uint256 which) external {
        if (!_pick(which)) return;
        (, uint40 until, JobMarket.State state,) = market.jobs(market.jobId(_t));
        uint256 before = available(provider) + locked(provider);
        uint256 burnt = market.owed(address(0), market.NOBODY());
        bool ended;
        try market.expire(_t) {
            bool late = state == JobMarket.State.Accepted && block.timestamp > until;
            slashedInTime = slashedInTime || !late;
            ended = true;
        } catch {}
        uint256 lost = before - available(provider) - locked(provider);
        burnt = market.owed(address(0), market.NOBODY()) - burnt;
        // All of it, and half of that to nobody.
        uint256 stake = ended ? _t.collateral : 0;
        slashedWrongly = slashedWrongly || lost != stake || burnt != stake - stake / 2;
        slashed += lost;
    }

    function doWithdraw(uint8 who, bool inToken) external {
        address account = [client, provider, stranger, market.NOBODY()][who % 4];
        address currency = inToken ? address(token) : address(0);
        uint256 amount = market.withdraw(currency, account);
        if (account == provider) fetched += amount;
    }

    function doDeposit(uint64 amount) external {
        vm.prank(provider);
        market.depositCollateral{value: amount}();
        deposited += amount;
    }

    /// @dev Around what is free: half of the time it is more, and a lease may hold the rest.
    function doWithdrawCollateral(uint64 part) external {
        uint128 amount = uint128(available(provider) * uint256(part) / (1 << 63));
        uint256 due = market.owed(address(0), provider);
        vm.prank(provider);
        try market.withdrawCollateral(amount) {
            collateralFetched += amount;
            fetched += due;
        } catch {}
    }

    function doPayRoyalty(bool inToken) external {
        market.payRoyalty(modelId, inToken ? address(token) : address(0));
    }

    function doWait(uint16 time) external {
        vm.warp(block.timestamp + time);
    }

    function _pick(uint256 which) private returns (bool) {
        if (_jobs.length == 0) return false;
        _t = _jobs[which % _jobs.length];
        return true;
    }

    // ------------------------------------------------------------------ what must hold

    /// @dev What the market must hold of a currency.
    function due(address currency) public view returns (uint256 sum) {
        for (uint256 i = 0; i < _jobs.length; ++i) {
            JobMarket.State state = stateOf(_jobs[i]);
            bool inside = state == JobMarket.State.Open || state == JobMarket.State.Offered
                || state == JobMarket.State.Accepted;
            if (inside && _jobs[i].token == currency) sum += _jobs[i].budget;
        }
        address[4] memory accounts = [client, provider, stranger, market.NOBODY()];
        for (uint256 i = 0; i < 4; ++i) {
            sum += market.owed(currency, accounts[i]);
        }
        sum += market.royalties(modelId, currency);
        if (currency == address(0)) sum += available(provider) + locked(provider);
    }

    function held(address currency) public view returns (uint256) {
        return currency == address(0)
            ? address(market).balance
            : token.balanceOf(address(market));
    }

    function lockedInLeases() public view returns (uint256 sum) {
        for (uint256 i = 0; i < _jobs.length; ++i) {
            if (stateOf(_jobs[i]) == JobMarket.State.Accepted) sum += _jobs[i].collateral;
        }
    }

    /// @dev What the provider and the model got or can get, in both currencies.
    function paid() public view returns (uint256 sum) {
        address[2] memory currencies = [address(0), address(token)];
        sum = fetched;
        for (uint256 i = 0; i < 2; ++i) {
            sum += market.owed(currencies[i], provider);
            sum += market.royalties(modelId, currencies[i]);
            sum += models.revenue(modelId, currencies[i]);
        }
    }

    function tokenAddress() external view returns (address) {
        return address(token);
    }

    function stakes() external view returns (uint256 free, uint256 bound) {
        return (available(provider), locked(provider));
    }
}

contract InvariantsTest is Market {
    Handler private handler;

    function setUp() public override {
        handler = new Handler();
    }

    /// @dev Foundry asks for the contracts that it may call.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[13] memory all = [
            Handler.doPost.selector,
            Handler.doLease.selector,
            Handler.doLease.selector,
            Handler.doAccept.selector,
            Handler.doDecline.selector,
            Handler.doFulfil.selector,
            Handler.doRefund.selector,
            Handler.doExpire.selector,
            Handler.doWithdraw.selector,
            Handler.doDeposit.selector,
            Handler.doWithdrawCollateral.selector,
            Handler.doPayRoyalty.selector,
            Handler.doWait.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), new bytes4[](13));
        for (uint256 i = 0; i < 13; ++i) {
            targets[0].selectors[i] = all[i];
        }
    }

    /// @dev The handler's calls are not refused all the time: every ending is within its reach.
    function testTheHandlerReachesEveryEnding() public {
        handler.doPost(4 ether, 1 ether, 100, false, true);
        handler.doPost(4 ether, 1 ether, 100, true, false);
        handler.doPost(4 ether, 1 ether, 100, false, false);
        handler.doLease(0, 3 ether);
        handler.doFulfil(0, 0, 0);
        eq(handler.completions(), 1, "completed");
        handler.doLease(1, 4 ether);
        handler.doAccept(1);
        handler.doFulfil(1, 1, 7);
        handler.doFulfil(1, 2, 0);
        handler.doFulfil(1, 3, 0);
        eq(handler.completions(), 1, "wrong proofs");
        handler.doWait(102);
        handler.doExpire(1);
        eq(handler.slashed(), 1 ether, "slashed");
        handler.doRefund(2, true);
        handler.doPayRoyalty(false);
        invariant_valueIsConserved();
        invariant_nothingIsPaidWithoutAProof();
    }

    /// @dev The market holds what it owes, to the last unit.
    function invariant_valueIsConserved() public view {
        eq(handler.held(address(0)), handler.due(address(0)), "native coin");
        address currency = handler.tokenAddress();
        eq(handler.held(currency), handler.due(currency), "token");
    }

    function invariant_nothingIsPaidWithoutAProof() public view {
        yes(!handler.paidWithoutProof(), "paid without a proof of this job");
        eq(handler.paid(), handler.earned(), "payments are the completed jobs' prices");
    }

    function invariant_noJobIsPaidTwice() public view {
        yes(!handler.paidTwice(), "paid twice");
        yes(!handler.fulfilledLate(), "paid after the deadline");
    }

    function invariant_collateralIsLostByLatenessOnly() public view {
        yes(!handler.slashedInTime(), "slashed in time");
        yes(!handler.slashedWrongly(), "not all of it, or not half to nobody");
        (uint256 free, uint256 bound) = handler.stakes();
        eq(
            free + bound + handler.slashed() + handler.collateralFetched(),
            handler.deposited(),
            "collateral"
        );
        eq(bound, handler.lockedInLeases(), "locked is what accepted leases ask for");
    }
}
