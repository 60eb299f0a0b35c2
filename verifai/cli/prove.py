"""``verifai prove``."""

from __future__ import annotations

import argparse

from verifai.cli.files import pairs, read_arrays, target
from verifai.cli.output import Output

HELP = "prove one inference"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pk", metavar="PROVING_KEY")
    parser.add_argument("--input", required=True, metavar="FILE", help="the input, .npy/.json")
    parser.add_argument(
        "--context", action="append", metavar="NAME=VALUE", help="bind the proof, repeatable"
    )
    parser.add_argument("--out", default="proof.vfb", metavar="FILE")
    parser.add_argument("--force", action="store_true", help="overwrite the output")


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai

    path = target(arguments.out, arguments.force)
    context = pairs(arguments.context, "A context entry")
    key = verifai.ProvingKey.load(arguments.pk)
    proof = verifai.prove(key, read_arrays(arguments.input), context=context)
    proof.save(path)
    output.say(f"{path}: {proof!r}")
    output.result({"path": str(path), "bundle": proof.digest, "bytes": len(proof.argument)})
