"""Model -> circuit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from verifai.circuit import Circuit, Visibility
from verifai.circuit.cost import cost
from verifai.circuit.lower import lower
from verifai.circuit.relower import PROTOCOL, parameters
from verifai.errors import UsageError
from verifai.graph import IntegerGraph, Options, build, fidelity
from verifai.model import Model
from verifai.model.inputs import calibration_samples
from verifai.progress import Progress
from verifai.proof.tensor import TensorSpec
from verifai.version import __version__

#: Calibration inputs that are used; more cost time and add little.
MAX_SAMPLES: Final = 256


def compile(
    model: Model,
    calibration: Iterable[Any],
    visibility: Visibility,
    zero_knowledge: bool,
    progress: Progress,
    options: Mapping[str, Any],
) -> Circuit:
    """See :meth:`verifai.backends.protocol.Backend.compile`."""
    if "committed" in (visibility.input, visibility.output) and not zero_knowledge:
        raise UsageError(
            "A commitment to an input or output needs zero_knowledge=True: it would hide nothing.",
            hint="Leave zero_knowledge out, or make the tensor 'public' or 'private'.",
        )
    settings = dict(options)
    log_columns = settings.pop("log_columns", None)
    padded = settings.pop("padded", False)
    if not isinstance(padded, bool):
        raise UsageError("The option padded is True or False.")
    progress.stage("calibrating and quantising")
    samples = calibration_samples(model.inputs, calibration, MAX_SAMPLES)
    graph = build(model, samples, Options.of(settings))
    progress.stage("laying out the circuit")
    lowered = lower(
        graph, visibility, log_columns=log_columns, hiding=zero_knowledge, padded=padded
    )
    progress.stage("measuring fidelity")
    measured = fidelity(graph, model, samples)
    estimate = cost(lowered.table, 1)
    return Circuit(
        model=model.digest,
        backend="native",
        version=PROTOCOL,
        weights=visibility.weights,
        inputs=specs(graph, "input", visibility.input),
        outputs=specs(graph, "output", visibility.output),
        facts={
            "proof_bytes": estimate.chosen.proof_bytes,
            "lookups": estimate.lookups,
            "addresses": f"2^{estimate.chosen.address_bits}",
            "prove_time": estimate.time_class,
            "maximum_error": f"{measured.maximum_error:.3g}",
            "relative_error": f"{measured.relative_error:.3g}",
            "top1_agreement": None if measured.top1 is None else f"{measured.top1:.4f}",
            "zero_knowledge": zero_knowledge,
            "made_by": __version__,
        },
        onnx=model.onnx,
        parameters=parameters(visibility, log_columns, lowered, padded),
        compiled=graph.to_bytes(),
    )


def specs(graph: IntegerGraph, role: str, visibility: str) -> tuple[TensorSpec, ...]:
    """The model's inputs or outputs as the key fixes them."""
    nodes = graph.inputs if role == "input" else graph.outputs
    names = graph.input_names if role == "input" else graph.output_names
    shapes = graph.input_shapes if role == "input" else graph.output_shapes
    return tuple(
        TensorSpec(name, shape, graph.nodes[node].scale, visibility)
        for node, name, shape in zip(nodes, names, shapes, strict=True)
    )
