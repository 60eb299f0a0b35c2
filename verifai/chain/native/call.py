"""What a transaction had the universal verifier verify, and the bundle that it stands for."""

from __future__ import annotations

from dataclasses import dataclass, field

from verifai.compact.words import context_from, words_from
from verifai.proof import Proof, VerifyingKey
from verifai.verifier.native.calldata import statement_of


@dataclass(frozen=True)
class NativeCall:
    """What a transaction had verified.

    Attributes:
        circuit: 32 bytes.
        context: canonical JSON, empty for none.
        words, argument: public words and proof.
    """

    circuit: bytes
    context: bytes
    words: bytes = field(repr=False)
    argument: bytes = field(repr=False)

    def proof(self, key: VerifyingKey, batch: int) -> Proof:
        """The bundle; it is not verified here. A batch of one has no axis.

        Raises:
            MalformedError: no statement of this key has these words or this context.
        """
        context = context_from(self.context)
        words = words_from(self.words)
        statement = statement_of(key, batch if batch > 1 else None, context, words, self.argument)
        return Proof.of(statement, self.argument)
