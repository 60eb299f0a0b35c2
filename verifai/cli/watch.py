"""``verifai watch``."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from verifai.cli.chain_options import add_chain_arguments, connect
from verifai.cli.output import Output, printable

if TYPE_CHECKING:
    from verifai.chain.watch import Seen, Watcher

#: Rows of the table on a terminal; what scrolls off is with --json.
_ROWS: Final = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_chain_arguments(parser)
    parser.add_argument(
        "--since", type=int, metavar="BLOCK", help="from this block on (default: all history)"
    )
    parser.add_argument(
        "--confirmations",
        type=int,
        default=1,
        metavar="N",
        help="show an event when its block is this deep; 1 is at once",
    )
    parser.add_argument(
        "--cursor", metavar="FILE", help="continue from this file, and keep the place in it"
    )
    parser.add_argument(
        "--once", action="store_true", help="end at the newest block; always so when embedded"
    )
    parser.add_argument(
        "--patience", type=float, metavar="SECONDS", help="give up on a silent node after this"
    )


def run(arguments: argparse.Namespace, output: Output) -> None:
    with connect(arguments, read_only=True) as chain:
        if not arguments.chain and chain.empty:
            output.say("Nothing is published yet.")
            return
        watcher = chain.watch(
            since=arguments.since,
            confirmations=arguments.confirmations,
            # Nobody else can publish on the embedded chain while it is open here.
            once=arguments.once or not arguments.chain,
            patience_seconds=arguments.patience,
            path=arguments.cursor,
        )
        if output.as_json:
            for event in watcher:
                output.line(event.to_json())
                if output.lost:
                    break
        else:
            _show(watcher, chain.chain_id)


def _show(watcher: Watcher[Any], chain_id: str) -> None:
    from rich.live import Live

    rows: deque[Seen[Any]] = deque(maxlen=_ROWS)
    # rich ends the process with 1 where its reader left
    with (
        suppress(SystemExit),
        Live(
            get_renderable=lambda: _table(watcher, chain_id, tuple(rows)), refresh_per_second=4
        ) as live,
    ):
        for event in watcher:
            rows.append(event)
        live.refresh()


def _table(watcher: Watcher[Any], chain_id: str, events: Iterable[Seen[Any]]) -> Any:
    """The newest events, and how the node does."""
    from rich.table import Table
    from rich.text import Text

    state = "connecting" if watcher.head is None else f"at block {watcher.head:,}"
    if watcher.fault:
        state = printable(f"waiting: {watcher.fault}")
    table = Table(title=chain_id, caption=Text(state), expand=True)
    for name in (" ", "block", "bundle", "key", "publisher", "transaction"):
        table.add_column(name, no_wrap=True)
    for event in events:
        sign, style = ("+", "green") if event.kind == "new" else ("-", "red")
        cells = (
            event.record.bundle_digest[:12] or "(native)",
            event.record.key_digest[:12],
            _short(event.record.publisher),
            event.transaction_hash[:12],
        )
        table.add_row(Text(sign, style), f"{event.block_number:,}", *cells)
    return table


def _short(address: str) -> str:
    """Both ends of an address, as wallets show it: a row has to fit."""
    return f"{address[:6]}…{address[-4:]}"
