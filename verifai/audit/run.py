"""Enumerate, rebuild, verify, apply the policy.

======  ================  =============================================================
number  name              what fails it
======  ================  =============================================================
A1      calldata          the transaction does not hold the proof
A2      key               no key with the claimed digest is known: *unchecked*, not false
A3      bundle            the bundle rebuilt from calldata is not the one the event names
A4      statement         its statement is not the one the event names
A5      contract          the accepting contract's code is not what the key compiles to
1-7     (verification)    see :mod:`verifai.verifier.verify`
A6      policy            a demand of the policy is not met
======  ================  =============================================================

An error in one record never stops the others, and nothing is left out: what could not be checked
is an entry of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

from verifai.audit.policy import Policy
from verifai.audit.report import Entry, Report
from verifai.errors import MalformedError, VerifaiError, VerificationError
from verifai.progress import Progress, reporting
from verifai.proof import KeyStore, Proof, Statement, VerifyingKey
from verifai.verifier import CHECKS, CheckResult, results, verify
from verifai.version import __version__


class AuditedChain(Protocol):
    """What an audit needs of a chain."""

    @property
    def registries(self) -> tuple[str, ...]:
        """Addresses of the registries that :meth:`published` reads."""
        ...

    def published(self) -> Iterator[Any]:
        """Records as :class:`verifai.chain.Published`, oldest first."""
        ...

    def bundle(self, record: Any, key: VerifyingKey) -> Proof:
        """The bundle that a record's calldata stand for. Raises MalformedError."""
        ...

    def expected_code_hash(self, vk: VerifyingKey) -> str:
        """Keccak-256 of the code that a key's verifier compiles to."""
        ...

    def describe(self) -> dict[str, str | int]:
        """Which chain this is, in plain values."""
        ...


Keys = Callable[[str], VerifyingKey | None]


def run(
    chain: AuditedChain,
    policy: Policy | None = None,
    *,
    keys: KeyStore | Iterable[VerifyingKey] | None = None,
    progress: Progress | bool | None = None,
) -> Report:
    """Re-check everything that was published on ``chain``.

    Args:
        chain: from :func:`verifai.chain.connect`.
        policy: demands beyond validity.
        keys: the verifying keys to use; default the store in the data folder. A key is used for
            exactly the records that claim its digest.
        progress: see :func:`verifai.progress.reporting`.

    Returns:
        A report on every record; it is returned also when the node fails on the way, and then says
        so first.
    """
    find = _finder(keys)
    entries: list[Entry] = []
    problems: list[tuple[str, str]] = []
    now = int(time.time())
    with reporting("audit", progress) as report:
        try:
            for record in chain.published():
                report.stage(f"proof {len(entries) + 1}, block {record.block_number}")
                entries.append(_audit(chain, record, find, policy, now))
        except VerifaiError as error:
            problems.append(("unchecked", f"The history could not be read: {error.message}"))
    if not problems and not chain.registries:
        problems.append(
            ("unchecked", "No registry is known on this chain, so nothing could be enumerated")
        )
    if policy is not None and len(entries) < policy.minimum_proofs:
        problems.append(
            ("policy", f"{policy.minimum_proofs} proofs are demanded, {len(entries)} published")
        )
    return Report(
        chain.describe(),
        None if policy is None else policy.to_json(),
        tuple(entries),
        tuple(problems),
        now,
        __version__,
    )


def _audit(chain: AuditedChain, record: Any, find: Keys, policy: Policy | None, now: int) -> Entry:
    checks: list[CheckResult] = []

    def passed(number: int | str, name: str, detail: str = "") -> None:
        checks.append(CheckResult(number, name, True, detail))

    def end(verdict: str, reason: str, statement: Statement | None = None) -> Entry:
        done = {check.number for check in checks}
        later = "an earlier check failed"
        rest = [CheckResult(n, name, None, later) for n, name in _ALL.items() if n not in done]
        ordered = sorted(checks + rest, key=lambda check: list(_ALL).index(check.number))
        return Entry(verdict, reason, tuple(ordered), _plain(record), statement)

    def failed(
        number: int | str, verdict: str, reason: str, statement: Statement | None = None
    ) -> Entry:
        checks.append(
            CheckResult(number, _ALL[number], None if verdict == "unchecked" else False, reason)
        )
        return end(verdict, reason, statement)

    if record.call is None:
        return failed(
            "A1", "unchecked", record.problem or "the transaction does not hold the proof"
        )
    passed("A1", "calldata")
    try:
        key = find(record.key_digest)
    except VerifaiError as error:
        return failed("A2", "unchecked", error.message)
    if key is None:
        return failed(
            "A2", "unchecked", f"the key {record.key_digest[:16]} is not in the key store"
        )
    passed("A2", "key")
    try:
        proof = chain.bundle(record, key)
    except MalformedError as error:
        return failed("A3", "false", error.message)
    statement = proof.statement
    if proof.digest != record.bundle_digest:
        return failed("A3", "false", "calldata give another bundle than the event names", statement)
    passed("A3", "bundle")
    if statement.digest != record.statement_digest:
        return failed("A4", "false", "the statement is not the one the event names", statement)
    passed("A4", "statement")
    contract = _contract(chain, record, key)
    checks.append(contract)
    try:
        verify(proof, key, statement.context)
    except VerificationError as error:
        checks += results(error)
        return end("false", f"check {error.check} ({error.check_name}): {error.message}", statement)
    except VerifaiError as error:
        # The verifier could not run: that says nothing about the proof.
        return failed(7, "unchecked", error.message, statement)
    checks += results(None)
    violations = (
        policy.violations(
            statement,
            age_seconds=max(0, now - record.block_time),
            contract_matches=contract.passed,
        )
        if policy
        else []
    )
    if violations:
        return failed("A6", "policy", "; ".join(violations), statement)
    checks.append(
        CheckResult("A6", "policy", True if policy else None, "" if policy else "no policy given")
    )
    return end("verified", "", statement)


def _contract(chain: AuditedChain, record: Any, key: VerifyingKey) -> CheckResult:
    """Offline verification does not depend on the contract, so another one is a fact to show (and
    for a policy to demand), not a false proof."""
    try:
        expected = chain.expected_code_hash(key)
    except VerifaiError as error:
        return CheckResult("A5", "contract", None, error.message)
    if expected == record.verifier_code_hash:
        return CheckResult("A5", "contract", True)
    return CheckResult(
        "A5", "contract", False, "the contract that accepted is not the key's verifier"
    )


#: In the order of the report.
_ALL: Final[dict[int | str, str]] = dict(
    [
        ("A1", "calldata"),
        ("A2", "key"),
        ("A3", "bundle"),
        ("A4", "statement"),
        ("A5", "contract"),
        *CHECKS.items(),
        ("A6", "policy"),
    ]
)


def _finder(keys: KeyStore | Iterable[VerifyingKey] | None) -> Keys:
    if keys is None or isinstance(keys, KeyStore):
        return (keys or KeyStore()).get
    known = {key.digest: key for key in keys}
    return known.get


def _plain(record: Any) -> dict[str, str | int]:
    names = """key_digest statement_digest bundle_digest publisher verifier verifier_code_hash
        registry block_number block_time transaction_hash gas_used chain_id"""
    return {name: getattr(record, name) for name in names.split()}
