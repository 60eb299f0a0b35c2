"""``verifai model``."""

from __future__ import annotations

import argparse
import re

from verifai.cli.output import Output
from verifai.errors import MalformedError
from verifai.proof import VerifyingKey
from verifai.proof.files import read_regular
from verifai.proof.model_name import SALT_BYTES

HELP = "check that a verifying key names this ONNX model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL.onnx")
    parser.add_argument("--key", required=True, metavar="KEY", help="the verifying key")
    parser.add_argument(
        "--salt", metavar="FILE", help="from the owner of a key that hides its weights"
    )


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai

    key = VerifyingKey.load(arguments.key)
    salt = read_salt(arguments.salt) if arguments.salt else None
    verifai.verify_model(verifai.load(arguments.model), key, salt=salt)
    output.say("The key names this model. What it holds of it shows when it is compiled again.")
    output.say("VERIFIED")
    output.result({"model": key.model, "verifying_key": key.digest, "salted": salt is not None})


def read_salt(path: str) -> bytes:
    """The salt in a file that ``verifai setup --salt`` wrote: 64 hexadecimal characters.

    Raises:
        MalformedError: another kind of file.
    """
    text = read_regular(path, 1024).strip()
    if not re.fullmatch(b"[0-9a-f]{%d}" % (2 * SALT_BYTES), text):
        raise MalformedError(f"{path}: a salt is {2 * SALT_BYTES} hexadecimal characters.")
    return bytes.fromhex(text.decode("ascii"))
