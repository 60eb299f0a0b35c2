"""How a key names its model: by the ONNX file's digest, or by a commitment to it.

A digest of the file is a test for any guess of the weights: hash each candidate, compare. Where a
key hides them (:attr:`~verifai.proof.VerifyingKey.hides_weights`) it therefore names the model by::

    SHA-256("verifai/model-commitment/1" 00 || 8-byte length, salt || 8-byte length, digest)

The salt, 32 random bytes, is drawn at setup and lies in the proving key. Whoever is given it, and
has the file, can check the name (:func:`verifai.verify_model`); to all others the name says
nothing. Salted or not, a name is what the key's maker wrote, and does not show whose weights the
key holds. The circuit's digest is taken over this name, so that it needs no salt of its own.
"""

from __future__ import annotations

import secrets
from typing import Final

from verifai.errors import UsageError
from verifai.proof.codec import Section, digest, hex_digest

SALT_BYTES: Final = 32


def fresh_salt() -> bytes:
    """A salt from the operating system."""
    return secrets.token_bytes(SALT_BYTES)


def model_digest(onnx: Section) -> str:
    """The digest of an ONNX file in canonical form, 64 hex characters."""
    return digest("model/1", onnx)


def model_name(model: str, salt: bytes | None) -> str:
    """The name of a model in a key, 64 hex characters.

    Args:
        model: the ONNX file's digest, 64 hex characters.
        salt: of the commitment; None for a key that does not hide its weights.

    Raises:
        UsageError: a salt of another length.
    """
    hex_digest(model, "A model's digest")
    if salt is None:
        return model
    if not isinstance(salt, bytes) or len(salt) != SALT_BYTES:
        raise UsageError(
            f"A salt is {SALT_BYTES} bytes.",
            hint="The key's owner has it: ProvingKey.salt, or the file of verifai setup --salt.",
        )
    return digest("model-commitment/1", salt, bytes.fromhex(model))
