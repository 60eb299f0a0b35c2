"""How a command says which chain it means."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from verifai.errors import UsageError


def add_chain_arguments(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """``--chain``, ``--journal``, ``--signer`` and ``--registry``.

    Args:
        parser: of one command.
        several: ``--chain`` and ``--registry`` may be repeated.
    """
    more: dict[str, Any] = {"action": "append"} if several else {}
    again = "; repeatable" if several else ""
    parser.add_argument(
        "--chain",
        "--url",
        metavar="URL",
        help=f"a JSON-RPC node of a chain with Ethereum's Cancun upgrade{again} (default: the "
        "embedded chain)",
        **more,
    )
    parser.add_argument(
        "--journal",
        metavar="FILE",
        help="where the embedded chain lives between runs (default: in the data folder)",
    )
    parser.add_argument(
        "--signer",
        metavar="SOURCE",
        help="name of an environment variable with a private key, or a keystore file "
        "(default: the node's own account)",
    )
    parser.add_argument(
        "--registry",
        metavar="ADDRESS",
        help="the registry"
        + (", one for each --chain in its order" if several else "")
        + " (default: the one known on the chain)",
        **more,
    )


def connect(arguments: argparse.Namespace, **options: Any) -> Any:
    """The chain that the arguments name, as a context manager.

    Args:
        arguments: of a command with :func:`add_chain_arguments`.
        options: more of :func:`verifai.chain.connect`.
    """
    return _connect(arguments, arguments.chain, arguments.registry, options)


@contextmanager
def connect_each(arguments: argparse.Namespace, **options: Any) -> Iterator[list[Any]]:
    """The chains that repeated arguments name. The chain of a node that cannot be reached is one
    that says so to whatever asks it.

    Raises:
        UsageError: the number of registries is not that of the chains, or as connecting.
    """
    from verifai.errors import NetworkError

    urls = arguments.chain or [None]
    registries = arguments.registry or [None] * len(urls)
    if len(registries) != len(urls):
        raise UsageError("--registry is given for each --chain or for none.")
    chains: list[Any] = []
    with ExitStack() as closing:
        for url, registry in zip(urls, registries, strict=True):
            try:
                chain = _connect(arguments, url, registry, options)
                chains.append(closing.enter_context(chain))
            except NetworkError as error:
                if len(urls) == 1:
                    raise
                chains.append(Unreachable(error))
        yield chains


class Unreachable:
    """What stands for a chain whose node does not answer: every question gets the reason."""

    def __init__(self, why: Exception) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Any:
        raise self._why


def _connect(
    arguments: argparse.Namespace,
    url: str | None,
    registry: str | None,
    options: dict[str, Any],
) -> Any:
    import verifai
    from verifai.home import home

    common = {"signer": arguments.signer, "registry": registry, **options}
    if url:
        return verifai.chain.connect(url, **common)
    journal = arguments.journal or home() / "chain" / "journal"
    if not arguments.journal and common.get("read_only") and not journal.exists():
        journal = None  # nothing was published yet: the chain without a block
    return verifai.chain.connect(journal=journal, **common)
