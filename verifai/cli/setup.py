"""``verifai setup``."""

from __future__ import annotations

import argparse
from pathlib import Path

from verifai.circuit import SRS
from verifai.cli.files import target
from verifai.cli.output import Output
from verifai.errors import UsageError
from verifai.proof.reference_string import CEREMONIES

HELP = "make the proving and verifying key of a circuit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("circuit", metavar="CIRCUIT")
    parser.add_argument(
        "--srs",
        metavar="NAME_OR_FILE",
        help="a public ceremony that verifai srs fetch brought (aztec-ignition, ppot), or a .srs "
        "(native: or .ptau) file; default: a development string, for tests only",
    )
    parser.add_argument("--pk", default="proving.vfp", metavar="FILE")
    parser.add_argument("--vk", default="verifying.vfk", metavar="FILE")
    parser.add_argument(
        "--registration", metavar="FILE", help="prove the ranges of the weights too, to this file"
    )
    parser.add_argument("--force", action="store_true", help="overwrite the outputs")


def string(words: str | None) -> SRS | str | None:
    """What ``--srs`` names: a ceremony by its name, else a file. A file of such a name: ./ppot"""
    if words is None or words in CEREMONIES:
        return words
    return SRS.load(words)


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai

    names = [arguments.pk, arguments.vk, *filter(None, [arguments.registration])]
    if len({Path(name).resolve() for name in names}) != len(names):
        raise UsageError("The outputs are different files.")
    pk_path, vk_path, *registered = (target(name, arguments.force) for name in names)
    circuit = verifai.Circuit.load(arguments.circuit)
    srs = string(arguments.srs)
    pk, vk = verifai.setup(circuit, srs=srs)
    pk.save(pk_path)
    vk.save(vk_path)
    output.say(f"{pk_path}: {pk!r}")
    output.say(f"{vk_path}: {vk!r}")
    result = {
        "pk": str(pk_path),
        "vk": str(vk_path),
        "verifying_key": vk.digest,
        "srs": vk.guarantees.string,
    }
    if vk.guarantees.srs == "development":
        output.say("The reference string is a DEVELOPMENT one: proofs are good for tests only.")
        if circuit.backend == "native":
            result["next"] = f"verifai srs fetch aztec-ignition --circuit {arguments.circuit}"
            output.say(f"A public ceremony's: {result['next']}; then --srs aztec-ignition")
    for path in registered:
        registration = verifai.register(pk)
        registration.save(path)
        output.say(f"{path}: {registration!r}")
        result["registration"] = str(path)
    output.result(result)
