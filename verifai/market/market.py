"""The job market, for clients and providers.

::

    market = Market(chain, contracts.market)

    # the client                                    # a provider
    job = market.post(terms, words).job
                                                    job = market.job(number)
                                                    market.check_job(job, pk, inputs)
                                                    bid = market.bid(job, price, 3600)
    market.lease(market.job(number), bid)
                                                    market.prove_and_claim(job, pk, inputs)
                                                    market.withdraw()

A provider that needs longer than the offer waits may ``accept`` before it proves, which locks its
collateral; one that does not risks nothing. Why, and what protects whom, is said in
``contracts/JobMarket.sol``. What an input's words are:
:func:`verifai.market.input_words`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from verifai.backends.native.prover import check_provable
from verifai.chain.chain import Chain
from verifai.chain.native.circuits import circuit_table
from verifai.chain.native.system import native_system
from verifai.chain.shipped import contract
from verifai.chain.verdict import Refusal, own_error, refused, verdict
from verifai.circuit import SRS, ProvingKey
from verifai.compact.table import circuit_id, input_word_bytes
from verifai.compact.words import statement_words
from verifai.errors import MalformedError, NetworkError, UsageError
from verifai.evm.abi import checksum
from verifai.evm.contract import Contract
from verifai.evm.history import events, incomplete
from verifai.evm.interface import Interface
from verifai.evm.logs import Log
from verifai.evm.node.faults import RevertedError, node_errors
from verifai.market.genuine import require_genuine
from verifai.market.history import Fulfilment, proof_of
from verifai.market.jobs import (
    NATIVE,
    Action,
    Bid,
    DeclineReason,
    Job,
    JobState,
    JobTerms,
    job_context,
)
from verifai.market.order import check_circuit, check_linked, check_order, check_words
from verifai.progress import Progress, reporting
from verifai.proof import Proof, VerifyingKey
from verifai.verifier import verify
from verifai.verifier.native.keccak import keccak256

#: The shipped contracts that the market's functions run, but for the verifier.
_CONTRACTS: Final = ("JobMarket", "VerifierRouter", "ModelRegistry")
#: Errors of a verification: of its proof, or of what stands around it.
_OF_THE_PROOF: Final = ("ProofRefused", "OtherInput")
#: States in which a proof is paid.
_IN_FORCE: Final = (JobState.OFFERED, JobState.ACCEPTED)


@dataclass(frozen=True)
class Stake:
    """A provider's collateral in wei: what is free, and what accepted leases have locked."""

    available: int
    locked: int


class Market:
    """One JobMarket contract, through one connection.

    Args:
        chain: the connection; its signer is who acts.
        address: of the contract (:func:`verifai.chain.deploy.deploy` gives it).
        verifier: address of the native verifier that the market must believe; default that of the
            shipped one.

    Raises:
        UsageError: there is no contract at the address, or another one than the shipped JobMarket
            with that verifier, whatever it says of itself.
        NetworkError: the node failed.
    """

    def __init__(self, chain: Chain, address: str, *, verifier: str | None = None) -> None:
        self.address = checksum(address)
        self._sender = chain.connection.sender
        self.chain_number = self._sender.number
        self._contract = contract("JobMarket", self.address, self._sender)
        if not self._sender.code(self.address):
            raise UsageError(f"There is no contract at {self.address} on {chain.chain_id}.")
        require_genuine(self._sender, self.address, verifier)

    @property
    def account(self) -> str:
        """The signer's address.

        Raises:
            UsageError: the connection only reads.
        """
        return self._sender.account

    # ---------------------------------------------------------------- clients

    def terms(
        self,
        circuit: bytes,
        words: bytes,
        *,
        budget: int,
        collateral: int,
        open_seconds: int = 24 * 3600,
        accept_seconds: int = 3600,
        proving_seconds: int = 3600,
        token: str = NATIVE,
        model_id: int = 0,
        royalty: int = 0,
        linked: tuple[bytes, ...] = (),
    ) -> JobTerms:
        """JobTerms of the signer's, with a fresh salt.

        Args:
            circuit: the circuit's identifier in the verifier, 32 bytes.
            words: the public words of the inputs, empty if it has none.
            linked: digests of the commitments of private inputs, in order.
            open_seconds: how long the job can be leased.
            budget, collateral, accept_seconds, proving_seconds, token, model_id, royalty: as in
                :class:`JobTerms`.
        """
        return JobTerms(
            client=self.account,
            system=native_system(),
            circuit=circuit,
            input_digest=keccak256(words),
            linked_digest=keccak256(b"".join(linked)),
            linked_inputs=len(linked),
            royalty=royalty,
            model_id=model_id,
            token=checksum(token),
            budget=budget,
            collateral=collateral,
            expiry=self.now() + open_seconds,
            accept_seconds=accept_seconds,
            proving_seconds=proving_seconds,
            salt=secrets.randbits(256),
        )

    def post(self, terms: JobTerms, words: bytes) -> Action:
        """Post a job and pay its budget in; for a token, allow the market to fetch it first.

        Args:
            terms: what is ordered.
            words: the inputs' public words, for everybody to see, or a place where the provider
                finds the input, e.g. a URL's bytes.

        Raises:
            UsageError: the market refused it; ``details["reason"]`` names the contract's error.
            SetupError: the signer cannot pay.
            NetworkError: the node failed.
        """
        native = terms.token == NATIVE
        if not native:
            self._allow(terms.token, terms.budget)
        value = terms.budget if native else 0
        job = terms.job_id(self.chain_number, self.address)
        return self._act("post", terms.values(), words, value=value, job=job)

    def lease(self, job: Job, bid: Bid) -> Action:
        """Lease a job to the provider of a bid. Raises as :meth:`post`."""
        offer = (bid.job, bid.provider, bid.price, bid.expiry)
        return self._act("lease", job.terms.values(), offer, bid.signature, job=job.id)

    def refund(self, job: Job) -> Action:
        """Give the budget back to the client. Raises as :meth:`post`."""
        return self._act("refund", job.terms.values(), job=job.id)

    def expire(self, job: Job) -> Action:
        """End a job whose provider accepted and was late. Raises as :meth:`post`."""
        return self._act("expire", job.terms.values(), job=job.id)

    # -------------------------------------------------------------- providers

    def register_provider(self, uri: str, deposit: int = 0) -> Action:
        """Say who the signer is; ``deposit`` wei become collateral. Raises as :meth:`post`."""
        return self._act("registerProvider", uri, value=deposit)

    def deposit_collateral(self, amount: int) -> Action:
        """Add ``amount`` wei to the signer's collateral. Raises as :meth:`post`."""
        return self._act("depositCollateral", value=amount)

    def withdraw_collateral(self, amount: int) -> Action:
        """Fetch ``amount`` wei of collateral that no lease has locked. Raises as :meth:`post`."""
        return self._act("withdrawCollateral", amount)

    def bid(self, job: Job, price: int, seconds: int, *, announce: bool = False) -> Bid:
        """The signer's bid for a job, good for so many seconds from now.

        Args:
            announce: also publish it on the chain, where everybody can read and underbid it; else
                send it to the client (:meth:`Bid.to_json`).

        Raises:
            NetworkError: the node failed, or does not sign for its account.
        """
        unsigned = Bid(job.id, self.account, price, self.now() + seconds, b"")
        signature = self._sender.sign_typed(unsigned.typed(self.chain_number, self.address))
        bid = Bid(job.id, self.account, price, unsigned.expiry, signature)
        if announce:
            self._act("announceBid", job.id, price, bid.expiry, signature, job=job.id)
        return bid

    def accept(
        self,
        job: Job,
        pk: ProvingKey,
        inputs: Any,
        *,
        batch: bool = False,
        srs: SRS | None = None,
    ) -> Action:
        """Accept a lease, once :meth:`check_job` has found nothing: lateness costs the collateral
        from here on, whatever the reason.

        Raises:
            UsageError, InputError: as :meth:`check_job`; nothing was sent.
            UsageError, SetupError, NetworkError: as :meth:`post`.
        """
        self.check_job(job, pk, inputs, batch=batch, srs=srs)
        return self._act("accept", job.terms.values(), job=job.id)

    def decline(self, job: Job, reason: DeclineReason = DeclineReason.OTHER) -> Action:
        """Decline a lease; nothing is lost. Raises as :meth:`post`."""
        return self._act("decline", job.terms.values(), int(reason), job=job.id)

    def context(self, job: Job, provider: str | None = None) -> dict[str, str | int]:
        """What a proof for a job is bound to; ``provider`` defaults to the signer."""
        return job_context(self.chain_number, self.address, job.id, provider or self.account)

    def claim(self, job: Job, proof: Proof, vk: VerifyingKey, *, check: bool = True) -> Action:
        """Hand a proof in; its provider is paid, whoever sends it.

        Args:
            proof: bound to :meth:`context`.
            vk: the circuit's verifying key.
            check: verify offline first. False sends the proof whatever it is.

        Raises:
            VerificationError: refused offline, with the number of the check; nothing was sent.
            ChainRejectedError: the verifier contract refused it (check 8), and the verifier here
                does too; or it is about another input.
            UsageError: no lease is in force.
            SetupError, NetworkError: as :meth:`post`.
        """
        provider = job.provider if job.provider is not None else self.account
        context = self.context(job, provider)
        if check:
            verify(proof, vk, context)
        words = statement_words(vk, proof.statement)
        try:
            return self._sent(
                "fulfil", job.terms.values(), words, bytes(proof.argument), job=job.id
            )
        except RevertedError as refusal:
            contracts = (*_CONTRACTS, "NativeVerifier")
            found = own_error(refusal, contracts)
            if found is not None and found.name not in _OF_THE_PROOF:
                raise refused(self._contract, "fulfil", refusal, _in_words(found)) from None
            confirm = None if check else lambda: verify(proof, vk, context)
            raise verdict(
                self._sender, refusal, "the market's fulfil", contracts, confirm
            ) from None

    def check_input(
        self,
        job: Job,
        vk: VerifyingKey,
        inputs: Any,
        *,
        batch: bool = False,
        srs: SRS | None = None,
    ) -> None:
        """Whether a job is about this key's circuit and these inputs.

        Args:
            inputs, batch: as for :func:`verifai.prove`; for committed ones the openings that the
                client gave in private.
            srs: the reference string, if there are openings and it is neither the development
                string nor a fetched ceremony's.

        Raises:
            UsageError: another proof system, circuit, number of inferences or input, or a committed
                one without its opening: no proof of this key can fulfil the job.
            InputError: wrong shape or type, or values that the circuit cannot hold.
        """
        check_order(job, vk, inputs, batch, srs)

    def check_job(
        self,
        job: Job,
        pk: ProvingKey,
        inputs: Any,
        *,
        batch: bool = False,
        srs: SRS | None = None,
    ) -> None:
        """Whether a proof of these inputs would fulfil a job: look before accepting it.

        As :meth:`check_input`, and the circuit is run, without a proof. What remains is the
        provider's judgement: the pay (:attr:`Job.pay`) and the time it is given.

        Raises:
            UsageError: as :meth:`check_input`.
            InputError: as :meth:`check_input`, or no proof covers these inputs: decline.
        """
        check_order(job, pk.verifying_key, inputs, batch, srs)
        check_provable(pk, inputs, batch)

    def prove_and_claim(
        self,
        job: Job,
        pk: ProvingKey,
        inputs: Any,
        *,
        batch: bool = False,
        progress: Progress | bool | None = None,
    ) -> tuple[Proof, Action]:
        """Prove a job as its provider, and hand the proof in.

        Args:
            pk: the circuit's proving key.
            inputs, batch: as for :func:`verifai.prove`.

        Raises:
            InputError: no proof covers this input. Decline, unless the lease was accepted.
            UsageError: no lease is in force for the signer, or circuit or input are not the job's.
            ChainRejectedError, SetupError, NetworkError: as :meth:`claim`.
        """
        from verifai.backends import get

        with reporting("claim", progress) as stages:
            vk = pk.verifying_key
            if job.provider != self.account or job.state not in _IN_FORCE:
                raise UsageError(
                    f"Job {job.id} is {job.state.name.lower()}, not leased to {self.account}.",
                    hint="job(number) asks the chain for it as it is now.",
                )
            check_circuit(job, vk, inputs, batch)
            check_words(job, vk, inputs, batch)
            proof = get(pk.circuit.backend).prove(pk, inputs, batch, self.context(job), stages)
            claims = (claim.commitment for claim in proof.statement.inputs)
            check_linked(job, [bytes.fromhex(digest) for digest in claims if digest])
            stages.stage("handing the proof in")
            return proof, self.claim(job, proof, vk)

    # ------------------------------------------------------------------- both

    def withdraw(self, token: str = NATIVE, account: str | None = None) -> Action:
        """Send an account what it is owed; by default the signer. Raises as :meth:`post`."""
        return self._act("withdraw", checksum(token), account or self.account)

    def pay_royalty(self, model_id: int, token: str = NATIVE) -> Action:
        """Hand on to the ModelRegistry what a model earned here. Raises as :meth:`post`."""
        return self._act("payRoyalty", model_id, checksum(token))

    def owed(self, token: str = NATIVE, account: str | None = None) -> int:
        """What an account can fetch, in the token's smallest unit."""
        return int(self._ask("owed", checksum(token), account or self.account))

    def stake(self, provider: str | None = None) -> Stake:
        """A provider's collateral; by default the signer's."""
        return Stake(*self._ask("collateral", provider or self.account))

    def now(self) -> int:
        """The chain's time, UNIX seconds: that of its newest block."""
        with node_errors("the newest block", self._sender.url):
            return int(self._sender.web3.eth.get_block("latest")["timestamp"])

    def job(self, number: int) -> Job:
        """A job as it is now.

        Raises:
            UsageError: no such job was posted.
            NetworkError: the node failed, or its events contradict the identifier.
        """
        for job in self._posted(number):
            return job
        raise UsageError(f"No job {number} was posted at {self.address}.")

    def jobs(self, state: JobState | None = None) -> Iterator[Job]:
        """All jobs, or those in a state, oldest first. Raises as :meth:`job`."""
        return (job for job in self._posted(None) if state is None or job.state == state)

    def bids(self, job: Job) -> Iterator[Bid]:
        """The bids announced for a job, oldest first; the contract checks the signature.

        Raises:
            NetworkError: the node failed.
        """
        for _, fields in self._events("BidAnnounced", job.id):
            offer = (fields[name] for name in ("provider", "price", "expiry", "signature"))
            yield Bid(job.id, *offer)

    def proofs(self, vk: VerifyingKey, batch: int | None = None) -> Iterator[Fulfilment]:
        """The proofs that completed jobs of a key's circuit, rebuilt from the chain's history.

        They are not verified here: ``verifai.verify(found.proof, vk, context=found.context)`` does,
        trusting neither the contracts nor the provider nor the node. That the input is the one
        that was ordered has been compared.

        Args:
            vk: the verifying key, made or trusted by the caller.
            batch: inferences per proof; None for one.

        Raises:
            NetworkError: the node failed, or does not tell the whole history, or an event
                contradicts its job or its transaction.
        """
        compact = circuit_table(vk, batch or 1)
        circuit, input_bytes = circuit_id(compact), input_word_bytes(compact)
        jobs = list(self.jobs())
        completed = {
            fields["job"]: (log, fields) for log, fields in self._events("JobCompleted", None)
        }
        for job in jobs:
            if job.state == JobState.COMPLETED and job.id not in completed:
                raise incomplete(self._contract, f"the completion of job {job.id} is missing")
            if job.id not in completed or job.terms.circuit != circuit:
                continue
            log, fields = completed[job.id]
            with node_errors("a transaction", self._sender.url):
                data = bytes(self._sender.web3.eth.get_transaction(log.transaction_hash)["input"])  # type: ignore[arg-type]
            provider = fields["provider"]
            context = self.context(job, provider)
            key = (vk, batch, input_bytes)
            try:
                proof = proof_of(self._contract.interface, job, fields, data, key, context)
            except MalformedError as error:
                raise incomplete(self._contract, error.message) from None
            problem = None if proof is not None else "the transaction does not show the proof"
            yield Fulfilment(job, provider, context, proof, problem)

    # ---------------------------------------------------------------- private

    def _posted(self, number: int | None) -> Iterator[Job]:
        # Asked first: jobs that are posted meanwhile are more, never fewer.
        counted = self._ask("count") if number is None else 0
        seen = 0
        for _, fields in self._events("JobPosted", number):
            terms = JobTerms.from_values(fields["terms"])
            if terms.job_id(self.chain_number, self.address) != fields["job"]:
                raise NetworkError(
                    f"The node at {self._sender.url} shows other terms for job {fields['job']} "
                    "than its identifier is a digest of."
                )
            provider, until, state, price = self._ask("jobs", fields["job"])
            holder = None if provider == NATIVE else checksum(provider)
            seen += 1
            yield Job(fields["job"], terms, fields["input"], JobState(state), holder, until, price)
        if seen < counted:
            raise incomplete(self._contract, f"it gave {seen} jobs of {counted}")

    def _events(self, name: str, job: int | None) -> Iterator[tuple[Log, Mapping[str, Any]]]:
        topics = () if job is None else (f"0x{job:064x}",)
        return events(self._contract, name, 0, None, *topics)

    def _ask(self, function: str, *arguments: Any) -> Any:
        try:
            return self._contract.call(function, *arguments)
        except (RevertedError, MalformedError) as error:
            raise NetworkError(f"What is at {self.address} is no JobMarket: {error}") from None

    def _act(
        self, function: str, *arguments: Any, value: int = 0, job: int | None = None
    ) -> Action:
        try:
            return self._sent(function, *arguments, value=value, job=job)
        except RevertedError as refusal:
            found = _in_words(own_error(refusal, _CONTRACTS))
            raise refused(self._contract, function, refusal, found) from None

    def _sent(
        self, function: str, *arguments: Any, value: int = 0, job: int | None = None
    ) -> Action:
        return Action.of(self._contract.send(function, *arguments, value=value), job)

    def _allow(self, token: str, amount: int) -> None:
        """Let the market fetch ``amount`` of an ERC-20 token, unless it may already."""
        asked = Contract(_token(), token, self._sender)
        try:
            if asked.call("allowance", self.account, self.address) < amount:
                what = "allowing the market to fetch its budget"
                asked.send("approve", self.address, amount, what=what)
        except (RevertedError, MalformedError) as refusal:
            raise UsageError(f"The token {token} refused an allowance: {refusal}") from None

    def __repr__(self) -> str:
        return f"Market({self.address} on eip155:{self.chain_number})"


def _token() -> Interface:
    return Interface.written(
        "ERC-20",
        "allowance(address,address) returns (uint256)",
        "approve(address,uint256) returns (bool)",
    )


def _in_words(found: Refusal | None) -> Refusal | None:
    """A contract's error with the name of a job's state in place of its number."""
    if found is None or found.name != "WrongState":
        return found
    job, state = found.arguments
    return replace(found, arguments=(job, JobState(int(state)).name.lower()))
