"""The circuit and the proving key, as the two files a prover keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from verifai.errors import MalformedError, UnsupportedError
from verifai.limits import MAX_ARTEFACT_BYTES
from verifai.printable import html_table
from verifai.proof import VerifyingKey, codec
from verifai.proof.artefact import Artefact
from verifai.proof.codec import Readers, Section, exact_fields, hex_digest, read_fields
from verifai.proof.model_name import SALT_BYTES, model_digest, model_name
from verifai.proof.plain import fields_of
from verifai.proof.statement import backend_from_json, weights_from_json
from verifai.proof.tensor import TensorSpec, specs_from_json

if TYPE_CHECKING:
    from verifai.circuit.cost import Cost
    from verifai.circuit.restore import Restored
    from verifai.graph import Fidelity

#: Inputs that :meth:`Circuit.fidelity` looks at.
MAX_FIDELITY_SAMPLES: Final = 10_000
#: Facts that a circuit shows of itself, however its file orders them: how far it is from the model
#: first.
_SHOWN: Final = (
    "relative_error",
    "tolerance",
    "top1_agreement",
    "proof_bytes",
    "prove_time",
    "gas",
    "rows",
)


@dataclass(frozen=True, repr=False)
class Circuit(Artefact):
    """A model compiled for a backend.

    Attributes:
        model: digest of the ONNX model, in clear: unlike a key, a circuit holds the weights.
        backend, version: who compiled it.
        weights: visibility of the weights.
        inputs, outputs: tensor specs, scales included.
        facts: what the backend wants people to know before they pay for a proof (rows, fidelity,
            estimates), as canonical JSON; informative only.
        onnx: the model itself, so that a prover needs no second file.
        parameters: the backend's settings, canonical: the circuit's digest covers them.
        compiled: the backend's compiled form.
    """

    KIND: ClassVar = b"CIRC"
    SECTIONS: ClassVar = 3
    LIMIT: ClassVar = MAX_ARTEFACT_BYTES
    SECRET: ClassVar = True

    model: str
    backend: str
    version: str
    weights: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    facts: Mapping[str, Any]
    onnx: Section = field(repr=False)
    parameters: Section = field(repr=False)
    compiled: Section = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """Names the circuit: backend, model and canonical parameters.

        The compiled form is left out: ezkl's differs from run to run although the key made from
        it does not.
        """
        header = self._header()
        del header["facts"]
        return codec.digest("circuit/1", codec.canonical_json(header), self.parameters)

    @cached_property
    def restored(self) -> Restored:
        """Integer graph and operation table of a native circuit; made once, and no part of it.

        Raises:
            MalformedError: the circuit's parts do not belong together.
        """
        from verifai.circuit.restore import restore

        return restore(self.compiled, bytes(self.parameters))

    def names(self, salt: bytes | None) -> tuple[str, str]:
        """Model and circuit as a key names them (:mod:`verifai.proof.model_name`).

        Args:
            salt: the key's; None for one that does not hide its weights.
        """
        model = model_name(self.model, salt)
        return model, replace(self, model=model).digest

    def check_model(self) -> None:
        """The circuit's name of its model is that of the ONNX file that it holds.

        Raises:
            MalformedError: it is another model's.
        """
        if self.model != model_digest(self.onnx):
            raise MalformedError(
                "The circuit names another model than the ONNX file that it holds.",
                hint="Compile the model again.",
            )

    def fixed(self) -> bytes:
        """What a key holds of the circuit besides its weights: native, the operation table, made
        again; ezkl, the parameters.
        """
        return self.restored.lowered.table if self.backend == "native" else bytes(self.parameters)

    def fidelity(self, data: Any) -> Fidelity:
        """How far the circuit is from the float model on ``data``, before anybody pays for a proof.

        Args:
            data: inputs, as for :func:`verifai.compile`'s calibration.

        Raises:
            InputError: an input of the wrong shape, or beyond the calibrated range.
            UnsupportedError: a circuit of the ezkl backend, which is compared when it is compiled.
        """
        from verifai.graph import fidelity
        from verifai.model import Model
        from verifai.model.inputs import calibration_samples

        self._native("measure its fidelity")
        model = Model.from_bytes(bytes(self.onnx))
        samples = calibration_samples(model.inputs, data, MAX_FIDELITY_SAMPLES)
        return fidelity(self.restored.graph, model, samples)

    def cost(self, batch: int = 1) -> Cost:
        """What a proof of ``batch`` inferences costs: sizes exactly, time and memory roughly.

        Raises:
            UnsupportedError: a circuit of the ezkl backend; its ``facts`` say what is known.
        """
        from verifai.circuit.cost import cost

        self._native("estimate its cost")
        return cost(self.restored.lowered.table, batch)

    def _native(self, what: str) -> None:
        if self.backend != "native":
            raise UnsupportedError(f"Only a circuit of the native backend can {what} here.")

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies and one's own processes: a view of a file cannot be pickled, its bytes can."""
        return Circuit.from_bytes, (self.to_bytes(),)

    @classmethod
    def _from(cls, header: dict[str, Any], sections: list[memoryview]) -> Circuit:
        readers: Readers = {
            "model": hex_digest,
            "backend": backend_from_json,
            "version": _text,
            "weights": weights_from_json,
            "inputs": specs_from_json,
            "outputs": specs_from_json,
            "facts": _facts,
        }
        found = read_fields(header, readers, "A circuit")
        onnx, parameters, compiled = sections
        circuit = cls(onnx=onnx, parameters=parameters, compiled=compiled, **found)
        circuit.check_model()
        return circuit

    def _header(self) -> dict[str, Any]:
        names = ("model", "backend", "version", "weights", "inputs", "outputs", "facts")
        return fields_of(self, names)

    def _sections(self) -> tuple[Section, ...]:
        return self.onnx, self.parameters, self.compiled

    def __repr__(self) -> str:
        shown = [key for key in _SHOWN if key in self.facts]
        facts = ", ".join(f"{key}={self.facts[key]}" for key in shown)
        return f"Circuit({self.digest[:12]}, {self.backend} {self.version}, {facts})"

    def _repr_html_(self) -> str:
        """What notebooks show."""
        rows = [("circuit", self.digest[:16]), ("backend", f"{self.backend} {self.version}")]
        rows += [
            (f"{role} {spec.name}", f"{'x'.join(map(str, spec.shape))}, {spec.visibility}")
            for role, specs in (("input", self.inputs), ("output", self.outputs))
            for spec in specs
        ]
        rows += [("weights", self.weights)]
        rows += [(name.replace("_", " "), str(value)) for name, value in self.facts.items()]
        return html_table("Circuit", rows)


@dataclass(frozen=True, repr=False, eq=False)
class ProvingKey(Artefact):
    """Everything needed to prove: circuit, verifying key, reference string, backend material.

    Attributes:
        circuit: the circuit.
        verifying_key: its counterpart; proofs are checked against it before they are handed out.
        srs: the reference string, backend format.
        material: the backend's own key, which holds private weights and what hides them; may be
            gigabytes, then a view of a mapped file.
        salt: what hides the model in the verifying key's name of it, 32 bytes; None where the key
            does not hide the weights. With it and the ONNX file anybody can check the name.
    """

    KIND: ClassVar = b"PKEY"
    SECTIONS: ClassVar = 5
    LIMIT: ClassVar = MAX_ARTEFACT_BYTES
    SECRET: ClassVar = True

    circuit: Circuit
    verifying_key: VerifyingKey
    srs: Section = field(repr=False)
    material: Section = field(repr=False)
    salt: bytes | None = field(default=None, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies and one's own processes, as :meth:`Circuit.__reduce__`."""
        return ProvingKey.from_bytes, (self.to_bytes(),)

    @classmethod
    def _from(cls, header: dict[str, Any], sections: list[memoryview]) -> ProvingKey:
        exact_fields(header, (), "A proving key")
        circuit = Circuit.from_bytes(sections[0])
        key = VerifyingKey.from_bytes(bytes(sections[1]))
        salt = bytes(sections[4]) or None
        if (0 if salt is None else len(salt)) != (SALT_BYTES if key.hides_weights else 0):
            raise MalformedError("A proving key holds a salt if and only if it hides the weights.")
        if (key.model, key.circuit) != circuit.names(salt):
            raise MalformedError("The proving key holds the keys of two different circuits.")
        return cls(circuit, key, sections[2], sections[3], salt)

    def _header(self) -> dict[str, Any]:
        return {}

    def _sections(self) -> tuple[Section, ...]:
        return self.circuit.to_bytes(), *self._own_sections()

    def _own_sections(self) -> tuple[Section, ...]:
        return self.verifying_key.to_bytes(), self.srs, self.material, self.salt or b""

    def __repr__(self) -> str:
        circuit = self.circuit  # not encoded, which takes a copy of the model
        within = codec.packed_size(circuit._header(), map(len, circuit._sections()))
        size = codec.packed_size({}, (within, *map(len, self._own_sections())))
        return f"ProvingKey({self.verifying_key.digest[:12]}, {circuit.backend}, {size:,} bytes)"


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise MalformedError(f"A circuit's {what} is a string.")
    return value


def _facts(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedError(f"A circuit's {what} are an object.")
    return value
