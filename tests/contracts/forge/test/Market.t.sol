// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {JobMarket} from "../src/JobMarket.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Prove, RuleVerifier, Wallet} from "./Doubles.sol";
import {Market} from "./Market.sol";

/// @dev The life of a job: who may do what, when.
contract MarketTest is Market {
    function testAJobIsPaidAgainstItsProof() public {
        JobMarket.Terms memory t = terms();
        post(t);
        eq(address(market).balance, 15 ether, "held");
        lease(t, 4 ether);
        accept(t);
        eq(available(provider), 8 ether, "available");
        eq(locked(provider), 2 ether, "locked");
        bytes memory proof = proofFor(t, provider);
        vm.expectEmit(true, true, true, true, address(market));
        emit JobMarket.JobCompleted(
            market.jobId(t), provider, "key", 4 ether, keccak256(output()), keccak256(proof), NONE
        );
        market.fulfil(t, output(), proof); // by anyone
        eq(market.owed(address(0), provider), 4 ether, "price");
        eq(market.owed(address(0), client), 1 ether, "change");
        eq(available(provider), 10 ether, "collateral is free again");
        market.withdraw(address(0), provider);
        market.withdraw(address(0), client);
        eq(provider.balance, 994 ether, "provider");
        eq(client.balance, 996 ether, "client");
        eq(address(market).balance, 10 ether, "collateral only");
    }

    function testAJobIsPaidInAToken() public {
        JobMarket.Terms memory t = terms();
        t.token = address(token);
        post(t);
        lease(t, 5 ether);
        accept(t);
        fulfil(t);
        market.withdraw(address(token), provider);
        eq(token.balanceOf(provider), 1005 ether, "provider");
        eq(token.balanceOf(address(market)), 0, "market");
    }

    function testAProofNeedsNoAcceptance() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        fulfil(t);
        eq(available(provider), 10 ether, "never locked");
        eq(market.owed(address(0), provider), 4 ether, "price");
    }

    function testTheContextIsCanonicalJson() public {
        vm.chainId(10);
        eq(
            keccak256(market.contextOf(7, address(0xABcdEFABcdEFabcdEfAbCdefabcdeFABcDEFabCD))),
            keccak256(
                bytes.concat(
                    '{"chain_id":10,"contract":"',
                    _hex(address(market)),
                    '","job":7,"provider":"0xabcdefabcdefabcdefabcdefabcdefabcdefabcd"}'
                )
            ),
            "context"
        );
    }

    function _hex(address account) private pure returns (bytes memory text) {
        text = "0x";
        for (uint256 i = 0; i < 40; ++i) {
            uint256 digit = (uint160(account) >> (4 * (39 - i))) & 15;
            text = bytes.concat(text, bytes1(uint8(digit + (digit < 10 ? 48 : 87))));
        }
    }

    // ------------------------------------------------------------ what is not paid

    function testNothingButTheJobsProofIsPaid(uint8 place, uint8 change) public {
        vm.assume(change != 0);
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        accept(t);
        bytes memory proof = proofFor(t, provider);
        proof[place % 32] ^= bytes1(change);
        vm.expectRevert(RuleVerifier.ProofRefused.selector);
        market.fulfil(t, output(), proof);
        yes(stateOf(t) == JobMarket.State.Accepted, "nothing changed");
    }

    function testAProofOfAnotherProviderIsRefused() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        bytes memory stolen = proofFor(t, stranger);
        vm.expectRevert(RuleVerifier.ProofRefused.selector);
        market.fulfil(t, output(), stolen);
    }

    function testAProofOfAnotherJobIsRefused() public {
        JobMarket.Terms memory first = terms();
        JobMarket.Terms memory second = terms();
        second.salt = 2;
        post(first);
        post(second);
        lease(first, 4 ether);
        lease(second, 4 ether);
        bytes memory proof = proofFor(first, provider);
        market.fulfil(first, output(), proof);
        vm.expectRevert(RuleVerifier.ProofRefused.selector);
        market.fulfil(second, output(), proof);
        expectState(first, JobMarket.State.Completed);
        market.fulfil(first, output(), proof);
    }

    function testAProofOfAnotherInputIsRefused() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        input[0] = 0x01;
        bytes memory proof = proofFor(t, provider); // valid, about another input
        vm.expectRevert(
            abi.encodeWithSelector(
                JobMarket.OtherInput.selector, keccak256(input), keccak256("")
            )
        );
        market.fulfil(t, output(), proof);
    }

    function testOtherTermsAreAnotherJob(uint256 salt, uint128 budget) public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        JobMarket.Terms memory other = terms();
        (other.salt, other.budget) = (salt, budget);
        vm.assume(market.jobId(other) != market.jobId(t));
        bytes memory proof = proofFor(other, provider);
        expectState(other, JobMarket.State.None);
        market.fulfil(other, output(), proof);
    }

    function testALateProofIsRefused(uint32 late) public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        accept(t);
        bytes memory proof = proofFor(t, provider);
        vm.warp(START + 3600 + uint256(late) + 1);
        expectLate(START + 3600);
        market.fulfil(t, output(), proof);
    }

    function testALapsedOfferIsNotFulfilled() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        bytes memory proof = proofFor(t, provider);
        vm.warp(START + 601);
        expectLate(START + 600);
        market.fulfil(t, output(), proof);
        vm.prank(provider);
        expectLate(START + 600);
        market.accept(t);
    }

    function testARevokedVerifierPaysNothing() public {
        JobMarket.Terms memory t = terms();
        post(t);
        lease(t, 4 ether);
        router.revoke(SYSTEM);
        bytes memory proof = proofFor(t, provider);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.SystemRevoked.selector, SYSTEM));
        market.fulfil(t, output(), proof);
    }

    // ------------------------------------------------------------------- commitments

    function testCommittedInputs() public {
        JobMarket.Terms memory t = terms();
        t.circuit = verifier.register(abi.encode(RuleVerifier.Circuit("k", 1, 0, 1, true, false)));
        bytes32[] memory linked = new bytes32[](3);
        (linked[0], linked[1], linked[2]) = (bytes32("x"), bytes32("y"), bytes32("an output"));
        (t.inputDigest, t.linkedInputs) = (keccak256(""), 2);
        t.linkedDigest = keccak256(abi.encodePacked(linked[0], linked[1]));
        post(t);
        lease(t, 4 ether);
        bytes memory words = new bytes(16);
        bytes32 context = keccak256(market.contextOf(market.jobId(t), provider));
        bytes32[] memory others = new bytes32[](3);
        (others[0], others[1]) = (linked[0], bytes32("z"));
        bytes memory proof = Prove.prove(t.circuit, context, words, others);
        vm.expectRevert();
        market.fulfil(t, words, proof);
        others = new bytes32[](1);
        others[0] = linked[0];
        proof = Prove.prove(t.circuit, context, words, others);
        vm.expectRevert();
        market.fulfil(t, words, proof);
        market.fulfil(t, words, Prove.prove(t.circuit, context, words, linked));
        yes(stateOf(t) == JobMarket.State.Completed, "completed");
    }

    function testAnInputMustBeBound() public {
        JobMarket.Terms memory t = terms();
        t.circuit = verifier.register(abi.encode(RuleVerifier.Circuit("k", 1, 0, 1, true, false)));
        vm.prank(client);
        vm.expectRevert(JobMarket.UnboundInput.selector);
        market.post{value: 5 ether}(t, "");
    }

    // ------------------------------------------------------------------------ posting

    function testAJobIsPostedOnceAndByItsClient() public {
        JobMarket.Terms memory t = terms();
        uint256 id = post(t);
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(JobMarket.JobExists.selector, id));
        market.post{value: 5 ether}(t, input);
        vm.prank(client);
        market.refund(t);
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(JobMarket.JobExists.selector, id));
        market.post{value: 5 ether}(t, input);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(JobMarket.NotClient.selector, client));
        market.post{value: 5 ether}(t, input);
    }

    function testTimesAreChecked(uint32 seconds_) public {
        bool bad = seconds_ == 0 || seconds_ > 365 days;
        JobMarket.Terms memory t = terms();
        t.provingSeconds = seconds_;
        vm.prank(client);
        if (bad) vm.expectRevert(JobMarket.BadTimes.selector);
        market.post{value: 5 ether}(t, input);
        t = terms();
        (t.acceptSeconds, t.salt) = (seconds_, 2);
        vm.prank(client);
        if (bad) vm.expectRevert(JobMarket.BadTimes.selector);
        market.post{value: 5 ether}(t, input);
        t = terms();
        t.expiry = uint40(START - 1);
        vm.prank(client);
        vm.expectRevert(JobMarket.BadTimes.selector);
        market.post{value: 5 ether}(t, input);
    }

    function testUnknownCircuitsAreNotPosted() public {
        JobMarket.Terms memory t = terms();
        t.circuit = "other";
        vm.prank(client);
        vm.expectRevert(
            abi.encodeWithSelector(VerifierRouter.UnknownCircuit.selector, SYSTEM, t.circuit)
        );
        market.post{value: 5 ether}(t, input);
    }

    // ------------------------------------------------------------------------ bidding

    function testABidIsTheProvidersOwn(uint256 key) public {
        key = within(key, 1, 1 << 200);
        vm.assume(key != KEY);
        JobMarket.Terms memory t = terms();
        post(t);
        JobMarket.Bid memory bid = bidOf(t, 4 ether);
        bytes memory forged = sign(bid, key);
        vm.prank(client);
        vm.expectRevert(abi.encodeWithSelector(JobMarket.BadSignature.selector, provider));
        market.lease(t, bid, forged);
    }

    function testABidIsForItsJobAndPrice(uint128 price) public {
        vm.assume(price != 4 ether);
        JobMarket.Terms memory t = terms();
        JobMarket.Terms memory other = terms();
        other.salt = 2;
        post(t);
        post(other);
        JobMarket.Bid memory bid = bidOf(t, 4 ether);
        bytes memory signature = sign(bid, KEY);
        vm.startPrank(client);
        vm.expectRevert(JobMarket.BadBid.selector);
        market.lease(other, bid, signature);
        bid.price = price;
        vm.expectRevert(
            price > 5 ether
                ? abi.encodeWithSelector(JobMarket.BadBid.selector)
                : abi.encodeWithSelector(JobMarket.BadSignature.selector, provider)
        );
        market.lease(t, bid, signature);
    }

    function testOnlyTheClientLeases() public {
        JobMarket.Terms memory t = terms();
        post(t);
        JobMarket.Bid memory bid = bidOf(t, 4 ether);
        bytes memory signature = sign(bid, KEY);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(JobMarket.NotClient.selector, client));
        market.lease(t, bid, signature);
    }

    function testBidsAndJobsExpire() public {
        JobMarket.Terms memory t = terms();
        post(t);
        JobMarket.Bid memory bid = bidOf(t, 4 ether);
        bid.expiry = uint40(START + 60);
        bytes memory signature = sign(bid, KEY);
        vm.warp(START + 61);
        vm.prank(client);
        expectLate(START + 60);
        market.lease(t, bid, signature);
        bid.expiry = type(uint40).max;
        signature = sign(bid, KEY);
        vm.warp(uint256(t.expiry) + 1);
        vm.prank(client);
        expectLate(t.expiry);
        market.lease(t, bid, signature);
    }

    function testAWalletThatIsAContractBids() public {
        JobMarket.Terms memory t = terms();
        post(t);
        Wallet wallet = new Wallet(provider);
        JobMarket.Bid memory bid = bidOf(t, 4 ether);
        bid.provider = address(wallet);
        vm.deal(address(wallet), 2 ether);
        vm.prank(address(wallet));
        market.depositCollateral{value: 2 ether}();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, market.bidDigest(bid));
        vm.prank(client);
        market.lease(t, bid, abi.encode(r, s, v));
        vm.prank(address(wallet));
        market.accept(t);
        yes(stateOf(t) == JobMarket.State.Accepted, "accepted");
    }

    function testABidWithoutCollateralIsNoBid() public {
        JobMarket.Terms memory t = terms();
        t.collateral = 11 ether;
        post(t);
        JobMarket.Bid memory bid = bidOf(t, 4 ether);
        bytes memory signature = sign(bid, KEY);
        vm.prank(client);
        vm.expectRevert(
            abi.encodeWithSelector(
                JobMarket.TooLittleCollateral.selector, provider, 10 ether, 11 ether
            )
        );
        market.lease(t, bid, signature);
    }

    function testAnnouncedBidsAreEvents() public {
        vm.expectEmit(true, true, false, true, address(market));
        emit JobMarket.BidAnnounced(7, provider, 1, 2, "signature");
        vm.prank(provider);
        market.announceBid(7, 1, 2, "signature");
    }
}
