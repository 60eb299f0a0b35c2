"""``verifai publish``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from verifai.cli.chain_options import add_chain_arguments, connect
from verifai.cli.files import target
from verifai.cli.output import Output

if TYPE_CHECKING:
    from verifai.evm.transactions.estimate import PublishEstimate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="BUNDLE")
    parser.add_argument("--key", required=True, metavar="KEY", help="the verifying key")
    parser.add_argument("--receipt", metavar="FILE", help="write the receipt as JSON")
    parser.add_argument("--force", action="store_true", help="overwrite the receipt")
    parser.add_argument(
        "--confirmations",
        type=int,
        default=1,
        metavar="N",
        help="wait until the transaction's block is this deep",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what it would cost; send nothing"
    )
    add_chain_arguments(parser)


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai
    from verifai.chain import Terms

    receipt_path = arguments.receipt and target(arguments.receipt, arguments.force)
    proof = verifai.Proof.load(arguments.bundle)
    key = verifai.VerifyingKey.load(arguments.key)
    with connect(arguments, terms=Terms(confirmations=arguments.confirmations)) as chain:
        if arguments.dry_run:
            _estimate(chain.estimate(proof, key), output)
            return
        receipt = chain.publish(proof, key)
    output.say("Accepted on chain.")
    if not receipt.is_of(proof):
        output.say("Its statement was on record before: the receipt is of that proof.")
    output.fields(receipt.to_json())
    _advise(receipt.evm_target_saves, output)
    if receipt_path:
        receipt.save(receipt_path)
    output.result({"receipt": receipt.to_json()})


def _estimate(estimate: PublishEstimate, output: Output) -> None:
    from verifai.evm.transactions.estimate import ether

    if estimate.recorded:
        output.say("This proof is on record already: publishing sends nothing.")
    for step in estimate.steps:
        output.say(f"{step.what}: {step.gas:,} gas, at most {ether(step.cost_wei)} coins")
    for what in estimate.unknown:
        output.say(f"{what}: unknown until the contracts stand")
    if not estimate.affordable:
        output.say(f"The signer has {ether(estimate.steps[0].balance_wei)}, which is too little.")
    _advise(estimate.evm_target_saves, output)
    output.result({"estimate": estimate.to_json()})


def _advise(gas: int, output: Output) -> None:
    if gas:
        output.say(f"Compiled with --target evm, a proof would take about {gas:,} gas less.")
