"""``verifai open``."""

from __future__ import annotations

import argparse

from verifai.cli.files import context_of
from verifai.cli.output import Output
from verifai.errors import UsageError
from verifai.proof import Opening, Proof, VerifyingKey
from verifai.verifier import verify


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("opening", metavar="OPENING")
    parser.add_argument("bundle", metavar="BUNDLE", help="the proof that commits to the tensor")
    parser.add_argument(
        "--key", required=True, metavar="KEY", help="the verifying key, from a source you trust"
    )
    parser.add_argument(
        "--context", action="append", metavar="NAME=VALUE", help="demanded context, repeatable"
    )
    parser.add_argument(
        "--srs",
        metavar="FILE",
        help="the reference string's file; not needed for a development string, nor for a "
        "ceremony that verifai srs fetch brought",
    )


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai
    from verifai.backends.native.opening import commitment_of

    opening = Opening.load(arguments.opening)
    key = VerifyingKey.load(arguments.key)
    context = context_of(arguments.context)
    statement = verify(Proof.load(arguments.bundle), key, context)
    srs = verifai.SRS.load(arguments.srs) if arguments.srs else None
    claims = [c for c in statement.inputs + statement.outputs if c.commitment is not None]
    if not claims:
        raise UsageError("The proof commits to no tensor: there is nothing to open.")
    # a linked tensor has another name in each proof: its commitment tells which one it is
    commitment = commitment_of(opening, srs)
    claim = next((c for c in claims if c.commitment == commitment), claims[0])
    values = verifai.verify_opening(opening, claim, srs=srs)
    shown = ", ".join(f"{value:.5g}" for value in values.reshape(-1)[:16])
    output.say(f"{claim.name!r}: {shown}{' ...' if values.size > 16 else ''}")
    output.say("VERIFIED")
    output.result(
        {
            "tensor": claim.name,
            "commitment": commitment,
            "integers": list(opening.integers),
            "scale": opening.spec.scale,
            "shape": list(opening.spec.shape),
            "statement_digest": statement.digest,
        }
    )
