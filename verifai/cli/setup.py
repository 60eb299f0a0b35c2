"""``verifai setup``."""

from __future__ import annotations

import argparse
from pathlib import Path

from verifai.circuit import SRS
from verifai.cli.files import target
from verifai.cli.output import Output
from verifai.errors import UsageError
from verifai.proof.files import replace_file
from verifai.proof.reference_string import CEREMONIES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("circuit", metavar="CIRCUIT")
    parser.add_argument(
        "--srs",
        metavar="NAME_OR_FILE",
        help="a public ceremony that verifai srs fetch brought (aztec-ignition, ppot), or a .srs "
        "(native: or .ptau) file (default: a development string, for tests only)",
    )
    parser.add_argument("--pk", default="proving.vfp", metavar="FILE", help="the proving key")
    parser.add_argument("--vk", default="verifying.vfk", metavar="FILE", help="the verifying key")
    parser.add_argument(
        "--prove-weights", metavar="FILE", help="prove the ranges of the weights too, to this file"
    )
    parser.add_argument(
        "--salt",
        metavar="FILE",
        help="of a key that hides its weights: what checks its name of the model, to this file",
    )
    parser.add_argument("--force", action="store_true", help="overwrite the outputs")


def string(words: str | None) -> SRS | str | None:
    """What ``--srs`` names: a ceremony by its name, else a file. A file of such a name: ./ppot"""
    if words is None or words in CEREMONIES:
        return words
    return SRS.load(words)


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai

    asked = {"registration": arguments.prove_weights, "salt": arguments.salt}
    names = {"pk": arguments.pk, "vk": arguments.vk, **{n: f for n, f in asked.items() if f}}
    if len({Path(name).resolve() for name in names.values()}) != len(names):
        raise UsageError("The outputs are different files.")
    paths = {name: target(file, arguments.force) for name, file in names.items()}
    circuit = verifai.Circuit.load(arguments.circuit)
    srs = string(arguments.srs)
    pk, vk = verifai.setup(circuit, srs=srs)
    if "salt" in paths and pk.salt is None:
        raise UsageError("The key does not hide its weights: it has no salt.")
    registration = verifai.prove_weights(pk) if "registration" in paths else None
    pk.save(paths["pk"])  # nothing is written before all is made
    vk.save(paths["vk"])
    output.say(f"{paths['pk']}: {pk!r}")
    output.say(f"{paths['vk']}: {vk!r}")
    if pk.salt is not None and "salt" in paths:
        replace_file(paths["salt"], [pk.salt.hex().encode() + b"\n"], 0o600)
        output.say(f"{paths['salt']}: for whoever is to check which model the key names")
    more = {"verifying_key": vk.digest, "srs": vk.guarantees.string}
    if vk.guarantees.srs == "development":
        output.say("The reference string is a DEVELOPMENT one: proofs are good for tests only.")
        if circuit.backend == "native":
            more["next"] = f"verifai srs fetch aztec-ignition --circuit {arguments.circuit}"
            output.say(f"A public ceremony's: {more['next']}; then --srs aztec-ignition")
    if registration is not None:
        registration.save(paths["registration"])
        output.say(f"{paths['registration']}: {registration!r}")
    written = {name: str(path) for name, path in paths.items()}
    output.result({**written, **more})
