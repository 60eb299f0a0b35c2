"""``verifai verify``: offline, with the base install."""

from __future__ import annotations

import argparse

from verifai.cli.files import context_of
from verifai.cli.output import Output
from verifai.errors import VerificationError
from verifai.proof import Proof, Registration, VerifyingKey
from verifai.verifier import CheckResult, results, verify


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="BUNDLE")
    parser.add_argument(
        "--key", required=True, metavar="KEY", help="the verifying key, from a source you trust"
    )
    parser.add_argument(
        "--context", action="append", metavar="NAME=VALUE", help="demanded context, repeatable"
    )
    parser.add_argument(
        "--registration", metavar="FILE", help="a proof that the key's weights are in range"
    )


def run(arguments: argparse.Namespace, output: Output) -> None:
    context = context_of(arguments.context)
    proof = Proof.load(arguments.bundle)
    key = VerifyingKey.load(arguments.key)
    registration = Registration.load(arguments.registration) if arguments.registration else None
    given = registration is not None
    try:
        statement = verify(proof, key, context, registration)
    except VerificationError as error:
        checks = results(error, registration=given)
        _list(output, checks)
        error.details["checks"] = [check.to_json() for check in checks]
        raise
    for sentence in statement.sentences():
        output.say(sentence)
    for claim in statement.outputs:
        if claim.integers is not None:
            values = ", ".join(f"{value:.5g}" for value in claim.values.reshape(-1)[:16])
            more = " ..." if len(claim.integers) > 16 else ""
            output.say(f"Output {claim.name!r}: {values}{more}")
    checks = results(None, registration=given)
    _list(output, checks)
    output.say("VERIFIED")
    output.result(
        {
            "statement": statement.to_json(),
            "statement_digest": statement.digest,
            "bundle": proof.digest,
            "weights_ranged": statement.weights_ranged,
            "checks": [check.to_json() for check in checks],
        }
    )


def _list(output: Output, checks: list[CheckResult]) -> None:
    signs = {True: "ok      ", False: "FAILED  ", None: "not run "}
    for check in checks:
        output.say(f"  check {check.number}  {signs[check.passed]} {check.name}")
