"""The numbered checks of one published record; :mod:`verifai.audit.run` lists them."""

from __future__ import annotations

from typing import Final

from verifai.audit.collect import AuditedChain, Keys, facts
from verifai.audit.entry import EXIT_CODES, Entry
from verifai.audit.policy import Policy
from verifai.errors import (
    LimitError,
    MalformedError,
    SetupError,
    VerifaiError,
    VerificationError,
    explained,
)
from verifai.proof import Proof, Statement, VerifyingKey
from verifai.proof.published import Published
from verifai.verifier import CHECKS, CheckResult, results, verify

#: In the order of the report.
AUDIT_CHECKS: Final[dict[int | str, str]] = {
    "A1": "calldata",
    "A2": "key",
    "A3": "bundle",
    "A4": "statement",
    "A5": "contract",
    **dict(CHECKS.items()),
    "A7": "policy",
}


class _EndedError(Exception):
    """A check that ends the examination of one record with a verdict."""

    def __init__(self, verdict: str, reason: str) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason


class Examiner:
    """Checks records one by one. Whatever a record does, :meth:`entry` gives a verdict on it.

    Args:
        chain: where the records are from.
        keys: finds a key by its digest.
        policy: demands beyond validity.
        now: UNIX time in seconds that ages are measured to.
    """

    def __init__(self, chain: AuditedChain, keys: Keys, policy: Policy | None, now: int) -> None:
        self.chain = chain
        self.keys = keys
        self.policy = policy
        self.now = now
        # A chain repeats few acceptors; each takes a compiler run or dozens of questions.
        self._acceptors: dict[tuple[str, ...], str] = {}

    def entry(self, record: Published) -> Entry:
        """The verdict on one record."""
        return _Examination(self, record).entry()

    def unestablished(self, record: Published, key: VerifyingKey) -> str:
        """What is not established of the key's verifier having accepted a record."""
        if record.system:  # the registry has chosen it, whatever the key
            which: tuple[str, ...] = (record.registry, record.system)
        else:
            which = (key.digest, record.verifier, record.verifier_code_hash)
        if which not in self._acceptors:
            self._acceptors[which] = self.chain.unestablished(record, key)
        return self._acceptors[which]


class _Examination:
    def __init__(self, examiner: Examiner, record: Published) -> None:
        self._by = examiner
        self._record = record
        self._results: dict[int | str, CheckResult] = {}
        self._current: int | str = "A1"
        self._statement: Statement | None = None
        self._made: dict[str, str] = {}
        self._mislabelled = ""

    def entry(self) -> Entry:
        verdict, reason, exit_code = "verified", "", 0
        try:
            self._run()
        except _EndedError as end:
            verdict, reason, exit_code = end.verdict, end.reason, EXIT_CODES[end.verdict]
        except Exception as error:
            # Whatever is missing here or on the chain says nothing about the proof, nor does a bug
            # of ours that a record from a stranger has found; the others still count.
            verdict, reason = "unchecked", explained(error)
            exit_code = 6 if isinstance(error, SetupError) else 7
        if verdict != "verified" and self._current not in self._results:
            self._note(None if verdict == "unchecked" else False, reason)
        return Entry(
            verdict,
            reason,
            tuple(
                self._results.get(number, CheckResult(number, name, None))
                for number, name in AUDIT_CHECKS.items()
            ),
            {**facts(self._record), **self._made},
            self._statement,
            exit_code,
        )

    def _run(self) -> None:
        self._calldata()
        key = self._key()
        proof = self._bundle(key)
        established = self._contract(key)
        self._verification(proof, key)
        if self._mislabelled:
            raise _EndedError("foreign", self._mislabelled)
        self._demands(proof.statement, established)

    def _calldata(self) -> None:
        self._begin("A1")
        if self._record.call is None:
            raise _EndedError(
                "unchecked", self._record.problem or "the transaction does not hold the proof"
            )
        self._note(True)

    def _key(self) -> VerifyingKey:
        self._begin("A2")
        key = self._by.keys(self._record.key_digest)
        if key is None:
            raise _EndedError(
                "unchecked",
                f"the key {self._record.key_digest[:16]} is not in the key store: "
                "--keys names another",
            )
        self._note(True)
        return key

    def _bundle(self, key: VerifyingKey) -> Proof:
        """The bundle that calldata stand for. No verifier sees the digests in an event, nor reads
        a context, and whoever can prove anything chooses the words: what is wrong with these is
        never a false proof. Wrong digests do not spare the proof its checks, though."""
        self._begin("A3")
        try:
            proof = self._by.chain.bundle(self._record, key)
        except LimitError:
            raise  # larger than is read here: not a contradiction
        except MalformedError as error:
            reason = f"it is no statement of this key: {error.message}"
            raise _EndedError("foreign", reason) from None
        self._statement = proof.statement
        if not self._record.bundle_digest:  # a registry of native proofs claims neither
            self._made["statement_digest"] = proof.statement.digest
            self._made["bundle_digest"] = proof.digest
        self._label("bundle", self._record.bundle_digest, proof.digest)
        self._begin("A4")
        self._label("statement", self._record.statement_digest, proof.statement.digest)
        return proof

    def _label(self, what: str, named: str, found: str) -> None:
        wrong = ""
        if named and named != found:
            wrong = f"its event names the {what} {named[:16]}, its calldata give {found[:16]}"
            self._mislabelled = self._mislabelled or wrong
        self._note(not wrong, wrong)

    def _contract(self, key: VerifyingKey) -> bool | None:
        """Offline verification does not depend on the contract, so another one is a fact to show
        (and for a policy to demand), not a false proof."""
        self._begin("A5")
        try:
            missing = self._by.unestablished(self._record, key)
        except Exception as error:
            self._note(None, explained(error))
            return None
        self._note(not missing, missing)
        return not missing

    def _verification(self, proof: Proof, key: VerifyingKey) -> None:
        self._begin(max(CHECKS))
        try:
            verify(proof, key, proof.statement.context)
        except VerificationError as error:
            self._keep(results(error))
            reason = f"check {error.check} ({error.check_name}): {error.message}"
            raise self._refused(reason, key) from None
        except VerifaiError:
            unknown = "the verifier could not finish"
            self._keep([CheckResult(n, name, None, unknown) for n, name in CHECKS.items()])
            del self._results[self._current]  # gets the reason itself
            raise
        self._keep(results(None))

    def _refused(self, reason: str, key: VerifyingKey) -> _EndedError:
        """The end of a record whose proof is refused here.

        Anyone can have such a proof accepted by a contract of their own, or for a circuit of their
        own. It is false if what accepted it is the key's verifier, which ought to have refused it;
        else it is no record of that key, whatever it says.
        """
        try:
            foreign = self._by.chain.foreign(self._record, key)
        except VerifaiError as error:
            unknown = f"whether it is a record of this key could not be found out: {error.message}"
            return _EndedError("unchecked", f"{reason.rstrip('.')}; {unknown}")
        return _EndedError("foreign", foreign) if foreign else _EndedError("false", reason)

    def _demands(self, statement: Statement, established: bool | None) -> None:
        self._begin("A7")
        if self._by.policy is None:
            self._note(None, "no policy was given")
            return
        when = self._record.block_time
        violations = self._by.policy.violations(
            statement,
            age_seconds=None if when is None else self._by.now - when,
            contract_matches=established,
        )
        if violations:
            raise _EndedError("policy", "; ".join(violations))
        self._note(True)

    def _begin(self, number: int | str) -> None:
        self._current = number

    def _note(self, passed: bool | None, detail: str = "") -> None:
        name = AUDIT_CHECKS[self._current]
        self._results[self._current] = CheckResult(self._current, name, passed, detail)

    def _keep(self, found: list[CheckResult]) -> None:
        self._results.update({check.number: check for check in found})
