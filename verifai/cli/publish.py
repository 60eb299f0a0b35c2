"""``verifai publish``."""

from __future__ import annotations

import argparse

from verifai.cli.chain_options import add_chain_arguments, connect
from verifai.cli.output import Output

HELP = "check a proof on chain and record it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="BUNDLE")
    parser.add_argument("--key", required=True, metavar="KEY", help="the verifying key")
    parser.add_argument("--receipt", metavar="FILE", help="write the receipt as JSON")
    add_chain_arguments(parser)


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai

    proof = verifai.Proof.load(arguments.bundle)
    key = verifai.VerifyingKey.load(arguments.key)
    with connect(arguments) as chain:
        receipt = chain.publish(proof, key)
    if arguments.receipt:
        receipt.save(arguments.receipt)
    output.say("Accepted on chain.")
    output.fields(receipt.to_json())
    output.result({"receipt": receipt.to_json()})
