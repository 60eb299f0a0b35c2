"""Circuit -> key pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from verifai.circuit import SRS, Circuit, ProvingKey
from verifai.circuit.ceremony import kept as kept_ceremony
from verifai.circuit.core import core
from verifai.circuit.lowered import LoweredCircuit
from verifai.circuit.per_key import PerKey
from verifai.errors import MalformedError, UnsupportedError, UsageError
from verifai.graph import IntegerGraph
from verifai.graph.integer import Integers
from verifai.progress import Progress
from verifai.proof import Guarantees, Registration, VerifyingKey
from verifai.proof.model_name import fresh_salt
from verifai.proof.reference_string import srs_id
from verifai.verifier.native.check import srs_kind
from verifai.verifier.native.circuit import Circuits
from verifai.verifier.native.key import key_of
from verifai.verifier.native.registration import registration_table
from verifai.verifier.native.verify import VERSION

#: A proving key's section for the reference string: the development string is made again, not kept.
DEVELOPMENT: Final = b"development"

#: Weights that one registration proof ranges: a few gigabytes at most.
MAX_REGISTERED_WEIGHTS: Final = 1 << 20


@dataclass
class LoadedKey:
    """A proving key in memory: graph, operation table, SRS, and the Rust prover with its tables."""

    graph: IntegerGraph
    lowered: LoweredCircuit
    strings: Any
    prover: Any


def setup(
    circuit: Circuit, srs: SRS | str | None, progress: Progress
) -> tuple[ProvingKey, VerifyingKey]:
    """See :meth:`verifai.backends.protocol.Backend.setup`."""
    if circuit.version != VERSION:
        raise UsageError(
            f"The circuit is for proof system version {circuit.version}, this is {VERSION}.",
            hint="Compile it again.",
        )
    graph, lowered = circuit.restored
    powers = 1 << lowered.operations.log_columns
    if isinstance(srs, str):
        srs = kept_ceremony(srs, lowered.operations.log_columns)
    if srs is None:
        progress.stage(
            f"DEVELOPMENT reference string ({powers:,} powers), for tests only; a public "
            "ceremony's: verifai srs fetch"
        )
        strings = core().Srs.development(powers)
        kept = DEVELOPMENT
    else:
        if 1 << srs.log2 < powers:
            raise UsageError(
                f"The circuit needs {powers:,} powers, the SRS has {1 << srs.log2:,}.",
                hint="Take a larger file of the same ceremony.",
            )
        progress.stage("reading the reference string")
        strings = _native(lambda: strings_of(srs, powers))
        kept = strings.to_points(powers)
    progress.stage("committing to the weights")
    # published weights need no blinding: the key can then be made again from the model
    own = Circuits(lowered.table).of(1)
    rows = len(own.layout.rows["weight"])
    fixed = bytes(32 * rows) if circuit.weights == "public" else None
    # an unsalted name would undo the blinding: it tests any guess of the weights
    hidden = circuit.weights == "private" and lowered.operations.hiding
    salt = fresh_salt() if hidden else None
    says = _header(circuit, salt, lowered, strings, own.proof_bytes)
    prover = _prover(says, lowered, strings, fixed)
    key = replace(says, material=(lowered.table, prover.commitments, strings.tau_g2))
    proving = ProvingKey(circuit, key, kept, prover.blindings, salt)
    _loaded.put(proving, LoadedKey(graph, lowered, strings, prover))
    return proving, key


def _header(
    circuit: Circuit, salt: bytes | None, lowered: LoweredCircuit, strings: Any, length: int
) -> VerifyingKey:
    """What the key says of itself; the material is made by a prover that is bound to it."""
    model, named = circuit.names(salt)
    return VerifyingKey(
        model=model,
        circuit=named,
        weights=circuit.weights,
        inputs=circuit.inputs,
        outputs=circuit.outputs,
        guarantees=Guarantees(
            "native",
            VERSION,
            lowered.operations.hiding,
            srs_kind(strings.tau_g2),
            srs_id(strings.tau_g2),
        ),
        proof_bytes=length,
        material=(),
    )


def load(key: ProvingKey) -> LoadedKey:
    """The key in memory, once per key and process.

    Raises:
        MalformedError: the key's parts do not belong together.
    """
    return _loaded.of(key)


def _load(key: ProvingKey) -> LoadedKey:
    graph, lowered = key.circuit.restored
    if lowered.table != bytes(key.verifying_key.material[0]):
        raise _mixed()
    if bytes(key.srs) == DEVELOPMENT:
        strings = core().Srs.development(1 << lowered.operations.log_columns)
    else:
        strings = _native(lambda: core().Srs.from_points(bytes(key.srs)))
    length = key_of(key.verifying_key).circuits.of(1).proof_bytes
    says = _header(key.circuit, key.salt, lowered, strings, length)
    # the core compares commitments with weights, which is much faster than making them again
    committed = bytes(key.verifying_key.material[1])
    prover = _prover(says, lowered, strings, bytes(key.material), committed)
    material = (lowered.table, prover.commitments, strings.tau_g2)
    if replace(says, material=material).digest != key.verifying_key.digest:
        raise _mixed()
    return LoadedKey(graph, lowered, strings, prover)


def _mixed() -> MalformedError:
    return MalformedError(
        "The proving key's circuit and reference string do not give its verifying key.",
        hint="Set up the circuit again.",
    )


#: What is loaded is memory and nothing else: a forked child shares it.
_loaded: Final = PerKey(_load, inherited=True)


def prove_weights(key: ProvingKey, progress: Progress) -> Registration:
    """Show, once for a key, that its committed weights are integers within their bits.

    Raises:
        UnsupportedError: more weights than one proof ranges.
    """
    loaded = load(key)
    weights = loaded.lowered.weights
    count = sum(array.size for array in weights)
    if count > MAX_REGISTERED_WEIGHTS:
        raise UnsupportedError(
            f"A registration proof ranges {MAX_REGISTERED_WEIGHTS:,} weights, the model has "
            f"{count:,}."
        )
    progress.stage(f"proving the ranges of {count:,} weights")
    header = key.verifying_key.header_digest
    table, commitments, tau_g2 = map(bytes, key.verifying_key.material)
    ranged = registration_table(table)
    tensors = _weights(weights)
    blindings = bytes(key.material)
    prover = _native(
        lambda: core().Prover(header, ranged, tensors, loaded.strings, blindings, commitments)
    )
    values = [array.astype("<i8").tobytes() for array in weights]
    nothing = bytes(32)
    _, argument = _native(lambda: prover.prove(1, values, nothing))
    claim = (header, ranged, commitments, tau_g2, 1, nothing, b"", argument)
    _native(lambda: core().native_verify(*claim))
    return Registration(key.verifying_key.digest, argument)


def _prover(
    key: VerifyingKey,
    lowered: LoweredCircuit,
    strings: Any,
    blindings: bytes | None,
    commitments: bytes | None = None,
) -> Any:
    header, table = key.header_digest, lowered.table
    weights = _weights(lowered.weights)
    return _native(lambda: core().Prover(header, table, weights, strings, blindings, commitments))


def _weights(arrays: Sequence[Integers]) -> list[bytes]:
    """Weights as the core takes them: int32."""
    narrow = [array.astype("<i4") for array in arrays]
    if not all(map(np.array_equal, narrow, arrays)):
        raise MalformedError("A weight does not fit into 32 bits.")
    return [array.tobytes() for array in narrow]


def strings_of(srs: SRS, powers: int) -> Any:
    """The string's first ``powers`` powers in the core, which checks them itself."""
    if srs.format == "points":
        return core().Srs.from_points(b"".join((srs.data[: 64 * powers], srs.data[-128:])))
    return core().Srs.read(bytes(srs.data), powers)


def _native(call: Any) -> Any:
    try:
        return call()
    except ValueError as error:
        raise MalformedError(f"The proving core refuses this key material: {error}.") from None
