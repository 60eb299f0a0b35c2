"""What the contracts need of a chain, asked before anything is paid.

The contracts around native proofs are compiled for Cancun (March 2024): their code holds PUSH0 of
Shanghai and MCOPY, TLOAD and TSTORE of Cancun. Elsewhere some of them could be created, and would
fail later at the first such instruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from verifai.chain.verdict import own_error, unexplained
from verifai.errors import NetworkError, UnsupportedError, UsageError, VerifaiError
from verifai.evm.node.faults import RevertedError

if TYPE_CHECKING:
    from verifai.evm.transactions.estimate import Estimate
    from verifai.evm.transactions.sender import Sender

#: Creation code that answers 1, first with instructions that every chain has, then with the newer
#: ones of the shipped contracts.
#: PUSH1 1, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN
OLD_PROBE: Final = bytes.fromhex("600160005260206000f3")
#: PUSH1 1, PUSH0, TSTORE, PUSH0, TLOAD, PUSH0, MSTORE, PUSH1 32, PUSH0, PUSH1 32, MCOPY,
#: PUSH1 32, PUSH1 32, RETURN
CANCUN_PROBE: Final = bytes.fromhex("60015f5d5f5c5f5260205f60205e60206020f3")


def require_cancun(sender: Sender) -> None:
    """Refuse a chain without the instructions of the shipped contracts.

    A node that does not run creation code in ``eth_call`` cannot be asked; estimates of gas come
    before anything is sent all the same.

    Raises:
        UnsupportedError: the chain lacks one of them.
        NetworkError: the node failed.
    """
    what = "which instructions the chain has"
    if not answers_one(sender, None, CANCUN_PROBE, what) and answers_one(
        sender, None, OLD_PROBE, what
    ):
        raise UnsupportedError(
            f"{sender.chain_id} at {sender.url} lacks instructions of Ethereum's Cancun upgrade "
            "(PUSH0, MCOPY, TLOAD, TSTORE), which the contracts of native proofs are made of. "
            "Nothing was sent.",
            hint="Choose a chain with Cancun.",
        )


def require_room(sender: Sender, name: str, creation: bytes) -> Estimate:
    """What a contract's creation costs; refuses a chain that cannot hold it, before others are paid
    for.

    Args:
        name: the contract, in messages.
        creation: its creation code, arguments included.

    Raises:
        UnsupportedError: a block there, or a transaction, has too little gas for it, or its
            constructor misses a precompile.
        SetupError, NetworkError, UsageError: as :meth:`Sender.estimate`.
    """
    try:
        return sender.estimate(None, creation, f"deploying {name}")
    except RevertedError as refusal:
        raise undeployable(sender, name, refusal) from None


def undeployable(sender: Sender, name: str, refusal: RevertedError) -> VerifaiError:
    """The error for a constructor that reverted."""
    found = own_error(refusal, ("NativeVerifier", "VerifierRouter"))
    if found is None:
        return unexplained(sender, refusal, f"deploying {name}")
    if found.name == "PrecompileMissing":
        return UnsupportedError(
            f"{sender.chain_id} at {sender.url} lacks precompile {found.arguments[0]}, which "
            "verification needs (EIP-196, EIP-197, EIP-198).",
            hint="Choose another chain.",
        )
    return UsageError(f"{name} cannot be created with these arguments: {found}.")


def answers_one(
    sender: Sender,
    to: str | None,
    data: bytes,
    what: str,
    code: Mapping[str, bytes] | None = None,
) -> bool:
    """Whether a node answers 1 to a probe; one that cannot be asked does not. Arguments as of
    :meth:`Sender.ask`."""
    with suppress(RevertedError, NetworkError, UnsupportedError):
        return int.from_bytes(sender.ask(to, data, what, code=code), "big") == 1
    return False
