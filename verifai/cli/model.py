"""``verifai model``."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Final

from verifai.cli.output import Output
from verifai.cli.setup import string
from verifai.cli.shapes import add_shapes, fixed_of, shapes_of
from verifai.errors import MalformedError, UsageError
from verifai.limits import MAX_ARTEFACT_BYTES
from verifai.proof import VerifyingKey
from verifai.proof.codec import MAGIC
from verifai.proof.files import open_regular, read_regular
from verifai.proof.model_name import SALT_BYTES

#: What was compared, in the words of ``--json``: what it shows, and what it does not.
_SHOWN: Final = {
    "name": (
        "The key names this model: that is the word of the key's maker. Neither its operation "
        "table nor its weights were compared.",
        "To compare them compile the model, with the maker's settings and calibration data, and "
        "give the circuit file in the model's place.",
        "NAME MATCHES",
    ),
    "table": (
        "The key names this circuit and its model, and holds its operation table.",
        "Its weights are blinded: that they are the model's only the key's owner can see.",
        "NAME AND TABLE MATCH",
    ),
    "key": (
        "Made again from this circuit the key is the same, byte for byte, weights included.",
        "VERIFIED: the key is this circuit's",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="FILE",
        help="an ONNX file, whose name alone is compared, or a circuit that you compiled from it",
    )
    add_shapes(parser)
    parser.add_argument("--key", required=True, metavar="KEY", help="the verifying key")
    parser.add_argument(
        "--salt", metavar="FILE", help="from the owner of a key that hides its weights"
    )
    parser.add_argument(
        "--srs",
        metavar="FILE|NAME",
        help="the key's reference string, if a circuit is given; not needed for a development "
        "string, nor for a ceremony that verifai srs fetch brought",
    )


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai

    key = VerifyingKey.load(arguments.key)
    salt = read_salt(arguments.salt) if arguments.salt else None
    circuit = _is_ours(arguments.model)
    shapes, fixed = shapes_of(arguments.shape), fixed_of(arguments.fix)
    if circuit and (shapes or fixed):
        raise UsageError(
            "A circuit has its shapes and values: --shape and --fix are for ONNX files."
        )
    model = (
        verifai.Circuit.load(arguments.model)
        if circuit
        else verifai.load(arguments.model, shapes=shapes, fixed=fixed, progress=False)
    )
    verifai.verify_model(model, key, salt=salt, srs=string(arguments.srs))
    shown = "name" if not circuit else "table" if key.hides_weights else "key"
    for sentence in _SHOWN[shown]:
        output.say(sentence)
    output.result(
        {
            "model": key.model,
            "verifying_key": key.digest,
            "salted": salt is not None,
            "compared": shown,
        }
    )


def _is_ours(path: str) -> bool:
    """Whether a file begins as those of verifai do: it is no ONNX file then."""
    if not Path(path).exists():
        return False  # the reader of models says so
    with open_regular(path, MAX_ARTEFACT_BYTES) as (file, _):
        return file.read(len(MAGIC)) == MAGIC


def read_salt(path: str) -> bytes:
    """The salt in a file that ``verifai setup --salt`` wrote: 64 hexadecimal characters.

    Raises:
        MalformedError: another kind of file.
    """
    text = read_regular(path, 1024).strip()
    if not re.fullmatch(b"[0-9a-f]{%d}" % (2 * SALT_BYTES), text):
        raise MalformedError(f"{path}: a salt is {2 * SALT_BYTES} hexadecimal characters.")
    return bytes.fromhex(text.decode("ascii"))
