"""How a command says which chain it means."""

from __future__ import annotations

import argparse
from typing import Any


def add_chain_arguments(parser: argparse.ArgumentParser) -> None:
    """``--chain``, ``--journal`` and ``--signer``."""
    parser.add_argument(
        "--chain", metavar="URL", help="a JSON-RPC node; default: the embedded chain"
    )
    parser.add_argument(
        "--journal",
        metavar="FILE",
        help="where the embedded chain lives between runs (default: in the data folder)",
    )
    parser.add_argument(
        "--signer",
        metavar="SOURCE",
        help="name of an environment variable with a private key, or a keystore file; "
        "default: the node's own account",
    )
    parser.add_argument(
        "--registry", metavar="ADDRESS", help="the registry; default: the one known on this chain"
    )


def connect(arguments: argparse.Namespace) -> Any:
    """The chain that the arguments name, as a context manager."""
    import verifai
    from verifai.home import home

    common = {"signer": arguments.signer, "registry": arguments.registry}
    if arguments.chain:
        return verifai.chain.connect(arguments.chain, **common)
    journal = arguments.journal or home() / "chain" / "journal"
    return verifai.chain.connect(journal=journal, **common)
