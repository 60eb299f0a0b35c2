// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {JobMarket} from "../src/JobMarket.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {PullPayments} from "../src/PullPayments.sol";
import {FeeToken, HookToken, Payee} from "./Doubles.sol";
import {Market} from "./Market.sol";

/// @dev Refunds, lateness, unprovable inputs, hostile clients, providers, tokens; royalties.
contract EndingsTest is Market {
    // --------------------------------------------- unprovable inputs: nothing is lost

    function testAProviderThatNeverAcceptsLosesNothing(uint32 later) public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        vm.warp(START + 601 + uint256(later));
        expectState(t, JobMarket.State.Offered);
        market.expire(t);
        vm.expectEmit(true, true, false, true, address(market));
        emit JobMarket.LeaseLapsed(market.jobId(t), provider);
        vm.prank(client);
        market.refund(t);
        eq(available(provider), 10 ether, "collateral");
        eq(market.owed(address(0), client), 5 ether, "budget");
    }

    function testAProviderDeclinesWhatCannotBeProven() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        vm.expectEmit(true, true, false, true, address(market));
        emit JobMarket.LeaseDeclined(
            market.jobId(t), provider, JobMarket.Reason.InputUnprovable
        );
        vm.prank(provider);
        market.decline(t, JobMarket.Reason.InputUnprovable);
        eq(available(provider), 10 ether, "collateral");
        (address holder, uint40 until,, uint128 price) = market.jobs(market.jobId(t));
        yes(holder == address(0) && until == 0 && price == 0, "nobody holds it");
        lease(t, 3 ether); // open again at once
        yes(stateOf(t) == JobMarket.State.Offered, "offered");
    }

    function testALapseCannotBeDeclined() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        vm.warp(START + 601);
        vm.prank(provider);
        expectLate(START + 600);
        market.decline(t, JobMarket.Reason.Other);
    }

    function testAnAcceptanceIsBinding() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        accept(t);
        vm.startPrank(provider);
        expectState(t, JobMarket.State.Accepted);
        market.decline(t, JobMarket.Reason.InputMissing);
        expectState(t, JobMarket.State.Accepted);
        market.accept(t);
        vm.expectRevert(
            abi.encodeWithSelector(
                JobMarket.TooLittleCollateral.selector, provider, 8 ether, 9 ether
            )
        );
        market.withdrawCollateral(9 ether);
        market.withdrawCollateral(8 ether);
        eq(provider.balance, 998 ether, "the rest is free");
    }

    function testOnlyTheLeasesProviderAnswers(address other) public {
        vm.assume(other != provider);
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        bytes memory no = abi.encodeWithSelector(JobMarket.NotProvider.selector, provider);
        vm.startPrank(other);
        vm.expectRevert(no);
        market.accept(t);
        vm.expectRevert(no);
        market.decline(t, JobMarket.Reason.Other);
    }

    function testCollateralSpentElsewhereIsNotLockedTwice() public {
        JobMarket.Terms memory first = terms();
        JobMarket.Terms memory second = terms();
        (first.collateral, second.collateral) = (6 ether, 6 ether);
        second.salt = 2;
        post(first);
        post(second);
        lease(first, 4 ether);
        lease(second, 4 ether);
        accept(first);
        vm.prank(provider);
        vm.expectRevert(
            abi.encodeWithSelector(
                JobMarket.TooLittleCollateral.selector, provider, 4 ether, 6 ether
            )
        );
        market.accept(second);
    }

    // ----------------------------------------------------------------------- lateness

    function testLatenessCostsTheCollateral(uint128 stake) public {
        stake = uint128(within(stake, 0, 10 ether));
        JobMarket.Terms memory t = terms();
        t.collateral = stake;
        post(t);
        lease(t, 4 ether);
        accept(t);
        vm.warp(START + 3600);
        expectEarly(START + 3600);
        market.expire(t);
        vm.warp(START + 3601);
        vm.prank(stranger);
        market.expire(t);
        eq(market.owed(address(0), client), 5 ether + stake / 2, "budget and half the stake");
        eq(market.owed(address(0), market.NOBODY()), stake - stake / 2, "nobody's half");
        eq(available(provider), 10 ether - stake, "available");
        eq(locked(provider), 0, "locked");
        expectState(t, JobMarket.State.Expired);
        market.expire(t);
        expectState(t, JobMarket.State.Expired);
        vm.prank(client);
        market.refund(t);
    }

    function testARevokedVerifierIsNotTheProvidersFault(uint32 at) public {
        at = uint32(within(at, 0, 3600));
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        accept(t);
        vm.warp(START + at);
        router.revoke(SYSTEM);
        market.expire(t); // at once: no proof can come any more
        eq(available(provider), 10 ether, "collateral");
        eq(market.owed(address(0), client), 5 ether, "budget");
    }

    function testARevocationForgivesNoEarlierLateness() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        accept(t);
        vm.warp(START + 3601);
        router.revoke(SYSTEM);
        market.expire(t);
        eq(available(provider), 8 ether, "collateral");
        eq(market.owed(address(0), client), 6 ether, "budget and half the stake");
    }

    function testARevocationEndsAnOffer() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        router.revoke(SYSTEM);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(JobMarket.NotClient.selector, client));
        market.refund(t);
        vm.prank(client);
        market.refund(t);
        eq(market.owed(address(0), client), 5 ether, "budget");
    }

    // ------------------------------------------------------------------------ refunds

    function testARefundIsTheClientsUntilExpiry(address who, uint32 at) public {
        JobMarket.Terms memory t = terms();
        post(t);
        vm.warp(START + uint256(at));
        bool may = who == client || START + uint256(at) > t.expiry;
        vm.prank(who);
        if (!may) vm.expectRevert(abi.encodeWithSelector(JobMarket.NotClient.selector, client));
        market.refund(t);
        eq(market.owed(address(0), client), may ? 5 ether : 0, "owed");
    }

    function testNoRefundWhileALeaseIsInForce() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        // A proof may be pending: the client has read the output, and cannot take the money back.
        vm.warp(START + 600);
        vm.prank(client);
        expectEarly(START + 600);
        market.refund(t);
        JobMarket.Bid memory bid = bidOf(t, 1 ether);
        bytes memory signature = sign(bid, KEY);
        vm.prank(client);
        expectEarly(START + 600);
        market.lease(t, bid, signature);
        accept(t);
        vm.warp(START + 600 + 3600);
        expectState(t, JobMarket.State.Accepted);
        vm.prank(client);
        market.refund(t);
        fulfil(t);
        expectState(t, JobMarket.State.Completed);
        vm.prank(client);
        market.refund(t);
    }

    function testABidIsLeasedToOnce() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        vm.prank(provider);
        market.decline(t, JobMarket.Reason.Other);
        JobMarket.Bid memory bid = bidOf(t, 4 ether);
        bytes memory signature = sign(bid, KEY);
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(JobMarket.BadBid.selector));
        market.lease(t, bid, signature);
        lease(t, 3 ether);
    }

    function testAChainThatChangesItsNumberLosesNothing() public {
        JobMarket.Terms memory first = terms();
        JobMarket.Terms memory second = terms();
        second.salt = 2;
        post(first);
        post(second);
        eq(market.count(), 2, "jobs");
        lease(first, 4 ether);
        accept(first);
        bytes memory proof = proofFor(first, provider);
        vm.chainId(1337);
        // A proof is of the old chain, and works there only.
        vm.expectRevert();
        market.fulfil(first, output(), proof);
        vm.warp(START + 3601);
        market.expire(first);
        vm.prank(client);
        market.refund(second);
        eq(market.owed(address(0), client), 5 ether + 1 ether + 5 ether, "all of it");
        vm.chainId(31337);
    }

    function testALapsedOfferIsLeasedAgain() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        vm.warp(START + 601);
        lease(t, 3 ether);
        fulfil(t);
        eq(market.owed(address(0), provider), 3 ether, "the new price");
    }

    // ------------------------------------------------------------------ hostile parts

    function testTokensThatTakeFeesAreRefused() public {
        FeeToken fee = new FeeToken();
        fee.mint(client, 100 ether);
        JobMarket.Terms memory t = terms();
        t.token = address(fee);
        vm.startPrank(client);
        fee.approve(address(market), type(uint256).max);
        vm.expectRevert(
            abi.encodeWithSelector(
                PullPayments.InexactTransfer.selector, address(fee), 4.95 ether, 5 ether
            )
        );
        market.post(t, input);
    }

    function testATokenThatTurnsBadCannotStopAProof() public {
        FeeToken fee = new FeeToken();
        fee.setFee(false);
        fee.mint(client, 100 ether);
        vm.prank(client);
        fee.approve(address(market), type(uint256).max);
        JobMarket.Terms memory t = terms();
        t.token = address(fee);
        post(t);
        lease(t, 4 ether);
        accept(t);
        fee.setFee(true);
        fulfil(t);
        eq(available(provider), 10 ether, "collateral is free again");
        eq(market.owed(address(fee), provider), 4 ether, "owed");
    }

    function testMoneyComesInExactly() public {
        JobMarket.Terms memory t = terms();
        vm.startPrank(client);
        vm.expectRevert(abi.encodeWithSelector(PullPayments.WrongValue.selector, 1, 5 ether));
        market.post{value: 1}(t, input);
        t.token = address(token);
        vm.expectRevert(abi.encodeWithSelector(PullPayments.WrongValue.selector, 5 ether, 0));
        market.post{value: 5 ether}(t, input);
        t.token = address(0xDEAD);
        vm.expectRevert();
        market.post(t, input);
    }

    function testATokenCannotReenterAPost() public {
        HookToken hook = new HookToken();
        hook.mint(client, 100 ether);
        JobMarket.Terms memory t = terms();
        t.token = address(hook);
        vm.prank(client);
        hook.approve(address(market), type(uint256).max);
        hook.hook(address(market), abi.encodeCall(market.withdraw, (address(hook), client)));
        post(t);
        yes(!hook.ok(), "entered again");
        eq(
            bytes32(hook.answer()),
            bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused by the guard"
        );
        eq(hook.balanceOf(address(market)), 5 ether, "budget");
    }

    function testARefundInTheMiddleOfAPostTakesNothing() public {
        HookToken hook = new HookToken();
        hook.mint(client, 100 ether);
        hook.mint(address(market), 7 ether); // somebody else's
        JobMarket.Terms memory t = terms();
        (t.token, t.expiry) = (address(hook), uint40(START));
        vm.prank(client);
        hook.approve(address(market), type(uint256).max);
        hook.hook(address(market), abi.encodeCall(market.refund, (t)));
        post(t);
        yes(!hook.ok(), "a token is not the client");
        eq(market.owed(address(hook), client), 0, "nothing is owed");
    }

    function testAPayeeCannotReenterAWithdrawal() public {
        Payee payee = new Payee();
        vm.deal(address(payee), 4 ether);
        vm.startPrank(address(payee));
        market.depositCollateral{value: 4 ether}();
        payee.hook(address(market), abi.encodeCall(market.withdrawCollateral, (2 ether)));
        market.withdrawCollateral(2 ether);
        yes(!payee.ok(), "entered again");
        eq(address(payee).balance, 2 ether, "paid once");
    }

    function testAClientThatRefusesMoneyStopsNobody() public {
        Payee payee = new Payee();
        payee.refuse(true);
        vm.deal(address(payee), 5 ether);
        client = address(payee);
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        fulfil(t);
        market.withdraw(address(0), provider);
        vm.expectRevert();
        market.withdraw(address(0), client);
        eq(market.owed(address(0), client), 1 ether, "still owed");
    }

    // ---------------------------------------------------------------------- royalties

    function _model(uint16 royalty, bytes32 key) private returns (uint256) {
        ModelRegistry.Share[] memory shares = new ModelRegistry.Share[](1);
        shares[0] = ModelRegistry.Share(stranger, 10_000, ModelRegistry.Role.Model);
        return models.registerModelWithTerms(
            ModelRegistry.ModelCommitment("m", "c", key, SYSTEM, ""), "MIT", royalty, shares
        );
    }

    function testAModelSharesInThePrice(uint16 royalty, uint128 price, bool inToken) public {
        royalty = uint16(within(royalty, 0, 10_000));
        price = uint128(within(price, 0, 5 ether));
        JobMarket.Terms memory t = terms();
        (t.modelId, t.royalty) = (_model(royalty, "key"), royalty);
        if (inToken) t.token = address(token);
        post(t);
        lease(t, price);
        fulfil(t);
        uint256 part = uint256(price) * royalty / 10_000;
        eq(market.owed(t.token, provider), price - part, "provider");
        eq(market.royalties(t.modelId, t.token), part, "model");
        market.payRoyalty(t.modelId, t.token);
        eq(market.royalties(t.modelId, t.token), 0, "handed on");
        eq(models.revenue(t.modelId, t.token), part, "revenue");
        ModelRegistry.Share[] memory shares = new ModelRegistry.Share[](1);
        shares[0] = ModelRegistry.Share(stranger, 10_000, ModelRegistry.Role.Model);
        models.claim(t.modelId, t.token, shares, 0);
        uint256 has = inToken ? token.balanceOf(stranger) : stranger.balance;
        eq(has, 1000 ether + part, "contributor");
    }

    function testAModelIsTheCircuits() public {
        uint256 other = _model(100, "another key");
        uint256 own = _model(100, "key");
        JobMarket.Terms memory t = terms();
        (t.modelId, t.royalty) = (other, 100);
        _refused(t, other);
        (t.modelId, t.royalty) = (own, 99);
        _refused(t, own);
        (t.modelId, t.royalty) = (0, 1);
        _refused(t, 0);
        (t.modelId, t.royalty) = (own, 100);
        models.deprecateModel(own);
        _refused(t, own);
    }

    function _refused(JobMarket.Terms memory t, uint256 model) private {
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(JobMarket.OtherModel.selector, model));
        market.post{value: 5 ether}(t, input);
    }
}
