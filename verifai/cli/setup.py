"""``verifai setup``."""

from __future__ import annotations

import argparse
from pathlib import Path

from verifai.cli.files import target
from verifai.cli.output import Output
from verifai.errors import UsageError

HELP = "make the proving and verifying key of a circuit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("circuit", metavar="CIRCUIT")
    parser.add_argument(
        "--srs",
        metavar="FILE",
        help="ceremony file, .srs (native: or .ptau); default: a development string",
    )
    parser.add_argument("--pk", default="proving.vfp", metavar="FILE")
    parser.add_argument("--vk", default="verifying.vfk", metavar="FILE")
    parser.add_argument(
        "--registration", metavar="FILE", help="prove the ranges of the weights too, to this file"
    )
    parser.add_argument("--force", action="store_true", help="overwrite the outputs")


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai

    names = [arguments.pk, arguments.vk, *filter(None, [arguments.registration])]
    if len({Path(name).resolve() for name in names}) != len(names):
        raise UsageError("The outputs are different files.")
    pk_path, vk_path, *registered = (target(name, arguments.force) for name in names)
    circuit = verifai.Circuit.load(arguments.circuit)
    srs = verifai.SRS.load(arguments.srs) if arguments.srs else None
    pk, vk = verifai.setup(circuit, srs=srs)
    registrations = [(verifai.register(pk), path) for path in registered]
    pk.save(pk_path)  # nothing is written before all is made
    vk.save(vk_path)
    output.say(f"{pk_path}: {pk!r}")
    output.say(f"{vk_path}: {vk!r}")
    if vk.guarantees.srs == "development":
        output.say("The reference string is a DEVELOPMENT one: proofs are good for tests only.")
    result = {"pk": str(pk_path), "vk": str(vk_path), "verifying_key": vk.digest}
    for registration, path in registrations:
        registration.save(path)
        output.say(f"{path}: {registration!r}")
        result["registration"] = str(path)
    output.result(result)
