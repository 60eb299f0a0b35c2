"""``verifai prove``."""

from __future__ import annotations

import argparse

from verifai.cli.files import context_of, read_arrays, target
from verifai.cli.output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pk", metavar="PROVING_KEY")
    parser.add_argument(
        "--input", required=True, metavar="FILE", help="the input, .npy/.json/.opening"
    )
    parser.add_argument(
        "--batch", action="store_true", help="the input holds several inferences, one after another"
    )
    parser.add_argument(
        "--context", action="append", metavar="NAME=VALUE", help="bind the proof, repeatable"
    )
    parser.add_argument("--out", default="proof.vfb", metavar="FILE", help="the proof bundle")
    parser.add_argument("--force", action="store_true", help="overwrite the output")


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai

    path = target(arguments.out, arguments.force)
    context = context_of(arguments.context)
    key = verifai.ProvingKey.load(arguments.pk)
    tensors = [*key.circuit.inputs, *key.circuit.outputs]
    places = {
        spec.name: target(f"{path}.{number}.opening", arguments.force)
        for number, spec in enumerate(tensors)
        if spec.visibility == "committed" and key.circuit.backend == "native"
    }
    proof = verifai.prove(key, read_arrays(arguments.input), batch=arguments.batch, context=context)
    openings = {}
    for place, opening in zip(places.values(), proof.openings.values(), strict=True):
        opening.save(place)
        openings[opening.spec.name] = str(place)
        output.say(f"{place}: {opening!r}. Keep it to yourself.")
    proof.save(path)  # after what cannot be made again
    output.say(f"{path}: {proof!r}")
    output.result(
        {
            "path": str(path),
            "bundle": proof.digest,
            "bytes": len(proof.argument),
            "openings": openings,
        }
    )
