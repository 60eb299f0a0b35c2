"""The numbered checks that stand between a bundle and belief.

======  ===============  ================================================================
number  name             what fails it
======  ===============  ================================================================
1       digests          the statement or the proof is not the one the bundle was made of
2       key              the statement names another verifying key than the one trusted
3       circuit          model, circuit, weights, shapes, scales or visibility differ from the key's
4       guarantees       backend, version, zero knowledge or reference string differ from the key's
5       context          the statement is bound to something else than demanded
6       proof length     the proof is longer or shorter than the key's proofs are
7       proof            the proof system refuses the proof for exactly this statement
======  ===============  ================================================================

A registration that is given too is check 9; check 8 is a chain's contract.

Decoding comes first and raises :class:`~verifai.errors.MalformedError`: what has no canonical
form has no claim to check. Objects in memory are encoded and decoded too, as if they came from a
file. So a statement that verify returns was made here, from the bytes that were checked: a caller
who hands in an object with an attribute more, or of a subclass, gets neither back.
Everything cheap comes before the proof system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from weakref import WeakValueDictionary

from verifai import errors
from verifai.errors import VerificationError
from verifai.proof import Proof, Registration, Statement, VerifyingKey
from verifai.proof.codec import canonical_json, sha256
from verifai.proof.statement import check_context
from verifai.proof.tensor import batched
from verifai.verifier.systems import BATCHING, proof_system

#: Those that :func:`verify` makes, by number; 9 comes last, where a registration is given.
CHECKS: Final = {number: errors.CHECKS[number] for number in range(1, 8)}
REGISTRATION: Final = {9: errors.CHECKS[9]}


@dataclass(frozen=True)
class CheckResult:
    """One numbered check, as reports list it.

    ``passed`` is None for a check that was not run; ``detail`` then says why, if anything but an
    earlier failure kept it. Other rooms number theirs with a letter in front (``A1``).
    """

    number: int | str
    name: str
    passed: bool | None
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


def verify(
    proof: Proof,
    key: VerifyingKey,
    context: Mapping[str, str | int] | None = None,
    registration: Registration | None = None,
) -> Statement:
    """Return the statement that ``proof`` proves under ``key``, or raise.

    The statement is made anew from the bytes that were checked: it is equal to the proof's own,
    and shares no object with it.

    Args:
        proof: the bundle, from anyone.
        key: the verifying key, from a source you trust.
        context: what the proof must be bound to; None demands a proof without context, because
            a proof for somebody else's job must not pass for a general one.
        registration: a proof about the key, to be checked as well; the statement then has
            ``weights_ranged``.

    Raises:
        VerificationError: with the number and name of the first check that failed.
        MalformedError: ``context`` is no context (it has a float in it, say), or the proof, the key
            or the registration could not be saved as a file.
    """
    context = check_context(context)
    proof, key = Proof.from_bytes(proof.to_bytes()), _reread(key)
    claimed = proof.statement
    expected = key.statement(claimed.inputs, claimed.outputs, claimed.context)

    real = proof.recomputed_digests()
    if real.statement != proof.digests.statement:
        raise VerificationError("the statement was altered after the bundle was made", check=1)
    if real.proof != proof.digests.proof:
        raise VerificationError(
            "the proof was altered or swapped after the bundle was made", check=1
        )

    if claimed.verifying_key != key.digest:
        raise VerificationError(
            f"the statement names key {claimed.verifying_key[:16]}, the trusted key is "
            f"{key.digest[:16]}",
            check=2,
            hint="Use the key of the circuit that the proof was made with.",
        )
    for name in ("model", "circuit", "weights"):
        if getattr(claimed, name) != getattr(expected, name):
            raise VerificationError(f"{name} is not what the key fixes", check=3)
    batch = claimed.batch(key) if key.guarantees.backend in BATCHING else None
    for role, specs in (("inputs", key.inputs), ("outputs", key.outputs)):
        if tuple(claim.spec for claim in getattr(claimed, role)) != batched(specs, batch):
            raise VerificationError(
                f"{role} differ from the key's in name, shape, scale or visibility", check=3
            )
    if claimed.guarantees != key.guarantees:
        raise VerificationError("the guarantees are not those of the key", check=4)
    if claimed.context != context:
        raise VerificationError(
            f"the proof is bound to {_shown(claimed.context)}, demanded is {_shown(context)}",
            check=5,
            hint="A proof for one job, chain or payee is not a proof for another.",
        )
    system = proof_system(key.guarantees.backend)
    expected_bytes = system.proof_bytes(key, claimed)
    if len(proof.argument) != expected_bytes:
        raise VerificationError(
            f"{len(proof.argument)} bytes, the key's proofs have {expected_bytes}", check=6
        )
    system.check(key, claimed, proof.argument)
    if registration is None:
        return claimed
    registration = Registration.from_bytes(registration.to_bytes())
    system.check_registration(key, registration)
    return replace(claimed, weights_ranged=True)


def results(failure: VerificationError | None, *, registration: bool = False) -> list[CheckResult]:
    """All numbered checks after a run of :func:`verify` that ended with ``failure`` (or None).

    Args:
        failure: what :func:`verify` raised.
        registration: whether it was given one.
    """
    checks = {**CHECKS, **(REGISTRATION if registration else {})}
    stop = failure.check if failure else max(checks) + 1
    return [
        CheckResult(
            number,
            name,
            True if number < stop else (False if number == stop else None),
            failure.message if failure and number == stop else "",
        )
        for number, name in checks.items()
    ]


#: Keys read again, by the digest of their encoding, for as long as somebody has the key itself.
_REREAD: Final[WeakValueDictionary[bytes, VerifyingKey]] = WeakValueDictionary()


def _reread(key: VerifyingKey) -> VerifyingKey:
    """The key of the same encoding that this room made itself, and what it keeps.

    What is kept is found by the digest of the encoding, in a table of this module. An object that
    comes with a forged cache of its own (``key._kept = ...``) is therefore never believed.
    """
    data = key.to_bytes()
    name = sha256(data)
    own = _REREAD.get(name)
    if own is None:
        own = _REREAD[name] = VerifyingKey.from_bytes(data)
    vars(key)["_reread"] = own  # held, and never looked at
    return own


def _shown(context: Mapping[str, str | int] | None) -> str:
    return "no context" if context is None else canonical_json(context).decode("ascii")
