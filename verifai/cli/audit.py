"""``verifai audit``."""

from __future__ import annotations

import argparse
from pathlib import Path

from verifai.cli.chain_options import add_chain_arguments, connect_each
from verifai.cli.output import Output
from verifai.errors import MissingFileError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_chain_arguments(parser, several=True)
    parser.add_argument("--policy", metavar="FILE", help="demands beyond validity (TOML or JSON)")
    parser.add_argument(
        "--keys", metavar="PATH", help="verifying keys, a folder or one file (default: data folder)"
    )
    parser.add_argument("--out", default="audit", metavar="FOLDER", help="where the report goes")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import verifai
    from verifai.audit import Policy

    policy = Policy.load(arguments.policy) if arguments.policy else None
    if arguments.keys and not Path(arguments.keys).exists():
        raise MissingFileError(f"No such file or folder of keys: {arguments.keys}.")
    keys = verifai.KeyStore(arguments.keys) if arguments.keys else None
    with connect_each(arguments, read_only=True) as chains:
        report = verifai.audit.run(chains, policy, keys=keys)
    paths = report.save(arguments.out)
    output.say(repr(report))
    for number, entry in enumerate(report.entries, 1):
        if entry.verdict != "verified":
            output.say(f"  proof {number}  {entry.verdict}: {entry.reason}")
    for path in paths:
        output.say(f"  {path}")
    output.result({"report": report.to_json(), "files": [str(path) for path in paths]})
    return report.exit_code
