"""Connecting to a chain."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from verifai.chain.chain import Chain
from verifai.chain.connection import Connection
from verifai.chain.deployments import Deployments, default_path
from verifai.chain.publishers import Publishers
from verifai.contracts.shipped import artefact
from verifai.errors import UsageError
from verifai.evm.abi import checksum
from verifai.evm.arguments import address_argument
from verifai.evm.node import embedded, rpc
from verifai.evm.node.journal import LOCK_SECONDS, Journal
from verifai.evm.transactions import signer as signers
from verifai.evm.transactions.sender import Sender
from verifai.evm.transactions.signer import Signer
from verifai.evm.transactions.terms import Terms

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount


def connect(
    url: str | None = None,
    *,
    signer: str | os.PathLike[str] | LocalAccount | Signer | None = None,
    journal: str | os.PathLike[str] | None = None,
    registry: str | None = None,
    lock_seconds: float = LOCK_SECONDS,
    read_only: bool = False,
    chain_id: str | int | None = None,
    terms: Terms | None = None,
) -> Chain:
    """Connect to a chain.

    Args:
        url: None for the embedded chain in this process; else the ``http://`` or ``https://`` URL
            of any Ethereum node's JSON-RPC endpoint. Native proofs need a chain with Ethereum's
            Cancun upgrade (March 2024) whose blocks hold 8 million gas, ezkl's proofs one with the
            Merge; what is missing is found out before anything is sent.
        signer: who pays. None: on the embedded chain its development account, on a node the first
            account it holds unlocked. Else the name of an environment variable that holds a hex
            private key, the path of a keystore file (password in ``VERIFAI_KEYSTORE_PASSWORD``),
            an ``eth_account`` local account, or a
            :class:`verifai.evm.transactions.signer.Signer`.
        journal: a file in which the embedded chain lives on across processes; made if missing.
        registry: address of a ProofRegistry to use, e.g. another publisher's; None uses those that
            this machine deployed, and deploys one when it first publishes.
        lock_seconds: how long to wait for another process that has the journal open.
        read_only: need no signer; sending is then an error. A journal is not written, and must
            exist.
        chain_id: the chain that must be there, ``eip155:N`` or N.
        terms: how deep, how long and how dear transactions are sent.

    Raises:
        NetworkError: nothing at the URL, or no Ethereum node; found out within
            ``CONNECT_SECONDS + PROBE_SECONDS`` of :mod:`verifai.evm.node.rpc`.
        UsageError: no way to sign, a wrong URL, another chain than ``chain_id``, another contract
            at ``registry``, no journal to read, or an argument of another type.
        MalformedError: the journal is damaged; the message names the line.
        SetupError: another process has the journal open.
        MissingExtraError: ``pip install 'verifai[chain]'``; for a chain in this process
            ``'verifai[embedded]'``.
    """
    for name, value, kinds in (
        ("url", url, str),
        ("journal", journal, (str, os.PathLike)),
        ("chain_id", chain_id, (str, int)),
        ("terms", terms, Terms),
    ):
        if value is not None and not isinstance(value, kinds):
            raise UsageError(f"{name} cannot be of the type {type(value).__name__}.")
    if url is not None and journal is not None:
        raise UsageError("A journal is for the embedded chain: it has no URL.")
    address = None if registry is None else address_argument(registry, "registry")
    who: Signer | None = None
    created: Sequence[str] = ()
    closing = ExitStack()
    try:
        if url is not None:
            client, hang_up = rpc.open_node(url)
            closing.callback(hang_up)
            shown = rpc.public_url(url)
        else:
            kept = None
            if journal is not None:
                kept = Journal(journal, lock_seconds=lock_seconds, read_only=read_only)
                closing.callback(kept.close)
            client, backend = embedded.start(kept)
            shown, created = "embedded", backend.created
        if signer is not None:
            who = signers.signer_from(signer)
        elif not read_only and url is not None:
            who = rpc.first_unlocked(client, shown)
        elif not read_only:
            who = signers.from_key(embedded.DEVELOPMENT_KEY)
        sender = Sender(client, who, shown, terms, durable=url is not None)
        _expect(sender, chain_id)
        deployments = Deployments(sender.chain, None if url is None else default_path())
        connection = Connection(sender, deployments, address)
        _remember(connection, created)
        chain = Chain(connection, closing.close)
        _require_registry(chain)
        return chain
    except BaseException:
        closing.close()
        raise


def _expect(sender: Sender, chain_id: str | int | None) -> None:
    wanted = f"eip155:{chain_id}" if isinstance(chain_id, int) else chain_id
    if wanted is not None and wanted != sender.chain_id:
        raise UsageError(
            f"The node at {sender.url} is on {sender.chain_id}, not on {wanted}.",
            hint="Check the URL and chain_id.",
        )


def _remember(connection: Connection, created: Sequence[str]) -> None:
    """Every contract that was created on the embedded chain, by its kind."""
    for address in map(checksum, created):
        if publisher := Publishers(connection).of_registry(address):
            publisher.remember(address)
        else:
            connection.deployments.add(connection.code_hash(address), address)


def _require_registry(chain: Chain) -> None:
    """Refuse a registry whose code is not the shipped one before anyone relies on it."""
    registry = chain.connection.registry
    if registry is not None and not chain.registries:
        found, wanted = chain.code_hash(registry), artefact("ProofRegistry").code_hash
        raise UsageError(
            f"At {registry} on {chain.chain_id} there is no ProofRegistry of this version "
            f"(code hash {found[:12]}, expected {wanted[:12]}).",
            hint="Check the address and the chain.",
        )
