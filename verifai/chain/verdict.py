"""What a revert says about a proof, and what it does not.

A revert is a contract's "no" only if it carries an error of one of the shipped contracts. One
without data, or with somebody else's, may be a lack of gas, of an opcode or of a contract: that is
"could not be checked". And even ``ProofRefused`` may be a lack of gas, because a precompile that
runs out of it fails just as it does on a false point. So a proof is "checked, and false" only where
the verifier in this package, which knows no gas, refuses it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from verifai.chain.shipped import interface
from verifai.errors import (
    ChainRejectedError,
    NetworkError,
    UnsupportedError,
    UsageError,
    VerifaiError,
    VerificationError,
)
from verifai.evm.contract import Contract
from verifai.evm.node.faults import RevertedError, reason

if TYPE_CHECKING:
    from verifai.evm.transactions.sender import Sender

#: The numbered check that only a chain can make; see :mod:`verifai.verifier.verify` for 1 to 7.
CONTRACT_CHECK: Final = 8
#: What a contract found out by itself, whatever the gas: the transaction is about something false.
_FOUND_FALSE: Final[Mapping[str, str]] = {
    "InstanceOutOfRange": "a public value is not below the field's modulus",
    "OtherInput": "the proof is about another input than was ordered",
}
#: Why contracts do not take a proof of which they say nothing.
_NOT_TAKEN: Final[Mapping[str, str]] = {
    "AlreadyPublished": "it is on record already",
    "VerifierWithoutCode": "there is no contract at the verifier's address",
    "UnknownCircuit": "its circuit is not registered with the verifier",
    "UnknownSystem": "the router has no verifier of this kind",
    "SystemRevoked": "the router's owner has revoked the verifier",
    "SystemNotActive": "the router's verifier does not count yet",
    "DevelopmentSrs": "its reference string is the development one, with which anybody could forge",
}


@dataclass(frozen=True)
class Refusal:
    """An error of one of the shipped contracts.

    Attributes:
        name: as its source has it.
        arguments: in words: hex digits, numbers, addresses; the step or rule of a verification.
    """

    name: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.arguments)})" if self.arguments else self.name


def own_error(refusal: RevertedError, contracts: Sequence[str]) -> Refusal | None:
    """The error that a revert carries, if it is one of these shipped contracts' own."""
    for contract in contracts:
        if (found := interface(contract).error(refusal.data)) is not None:
            name, values = found
            return Refusal(name, tuple(_word(name, value) for value in values))
    return None


def _word(error: str, value: Any) -> str:
    """An error's argument in words: steps and rules are texts in 32 bytes."""
    if error in ("ProofRefused", "TableRefused"):
        return str(value.rstrip(b"\0").decode("ascii", "replace"))
    return value.hex() if isinstance(value, bytes) else str(value)


def unexplained(sender: Sender, refusal: RevertedError, what: str) -> NetworkError:
    """The error for a revert that says nothing about what was asked.

    Args:
        what: the transaction in words, as in "publishing".
    """
    return NetworkError(
        f"{what[:1].upper()}{what[1:]} reverted on {sender.chain_id} at {sender.url}, without an "
        f"error of the contract's own ({refusal}): nothing was checked.",
        hint=f"A block there holds {sender.block_gas():,} gas. Too little gas, a chain without "
        "Cancun's instructions, or another contract at the address ends like this.",
    )


def refused(
    contract: Contract, function: str, refusal: RevertedError, found: Refusal | None = None
) -> VerifaiError:
    """The error for a contract's refusal of a call that is about no proof.

    Args:
        found: what :func:`own_error` made of it, of a shipped contract.
    """
    name = contract.interface.name
    why = str(found) if found else reason(refusal.data)
    if why is None:
        return unexplained(contract.sender, refusal, f"{function} of {name}")
    return UsageError(
        f"The {name} at {contract.address} refuses {function}: {why}.",
        reason=found.name if found else "unknown",
        arguments=list(found.arguments) if found else [],
    )


def verdict(
    sender: Sender,
    refusal: RevertedError,
    what: str,
    contracts: Sequence[str],
    confirm: Callable[[], object] | None,
) -> VerifaiError:
    """What a revert of a transaction with a proof means.

    Args:
        what: the transaction in words.
        contracts: the shipped contracts that it runs.
        confirm: verifies the proof offline, and raises VerificationError if it is false; None if
            it was verified before it was sent.

    Returns:
        ChainRejectedError: the proof is false, which ``confirm`` says too, or one of
            ``_FOUND_FALSE``.
        UnsupportedError: the contracts do not take it, and say why; nothing is known of the proof.
        NetworkError: anything else; nothing is known of the proof.
    """
    found = own_error(refusal, contracts)
    if found is None:
        return unexplained(sender, refusal, what)
    why = _FOUND_FALSE.get(found.name)
    if why is not None:
        return _rejected(why, found)
    if found.name != "ProofRefused":
        why = _NOT_TAKEN.get(found.name)
        return UnsupportedError(
            f"The contracts do not take this proof: {f'{why} ({found})' if why else found}.",
            hint="The chain has not changed, and nothing was checked.",
            reason=found.name,
        )
    step = "".join(f", at the step {name!r}" for name in found.arguments)
    why = f"the verifier contract does not accept this proof of this statement{step}"
    unknown = "the verifier here accepts it"
    try:
        if confirm is not None:
            confirm()
    except VerificationError as error:
        offline = f"offline it fails check {error.check} ({error.check_name})"
        return _rejected(f"{why}; {offline}", found)
    except VerifaiError as error:
        unknown = f"it could not be checked here: {error.message.rstrip('.')}"
    return NetworkError(
        f"On {sender.chain_id} at {sender.url} {why}, but {unknown}.",
        hint=f"Too little gas for a precompile ends like this (a block there holds "
        f"{sender.block_gas():,}), and so may another contract. The chain has not changed.",
        reason=found.name,
    )


def _rejected(why: str, found: Refusal) -> ChainRejectedError:
    return ChainRejectedError(
        why,
        check=CONTRACT_CHECK,
        hint="The chain has not changed.",
        reason=found.name,
        arguments=list(found.arguments),
    )
