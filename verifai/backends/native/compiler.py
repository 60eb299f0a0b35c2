"""Model -> circuit."""

from __future__ import annotations

from typing import Any, Final

from verifai.backends.native.faithful import faithful
from verifai.backends.options import NativeOptions, Target
from verifai.circuit import Circuit, Visibility
from verifai.circuit.cost import cost
from verifai.circuit.lower import lower
from verifai.circuit.restore import parameters
from verifai.circuit.visibility import Role
from verifai.compact.gas import LOG_COLUMNS, Price, cheapest
from verifai.errors import UsageError
from verifai.graph import IntegerGraph
from verifai.model import Model
from verifai.model.inputs import calibration_samples
from verifai.progress import Progress
from verifai.proof.tensor import TensorSpec
from verifai.verifier.native.verify import VERSION
from verifai.version import __version__

#: Inputs that calibration and the comparison with the model use; more cost time and add little.
MAX_SAMPLES: Final = 320


def compile(
    model: Model,
    calibration: Any,
    visibility: Visibility,
    progress: Progress,
    options: NativeOptions,
    target: Target,
) -> Circuit:
    """See :meth:`verifai.backends.protocol.Backend.compile`."""
    log_columns, zero_knowledge = options.log_columns, options.zero_knowledge
    names = [spec.name for spec in model.inputs]
    words = visibility.of("input", names)
    shown_out = visibility.of("output", [spec.name for spec in model.outputs])
    if "committed" in (*words, *shown_out) and not zero_knowledge:
        raise UsageError(
            "A commitment to an input or output needs zero_knowledge=True: it would hide nothing.",
            hint="Leave zero_knowledge out, or make the tensor 'public' or 'private'.",
        )
    progress.stage("calibrating and quantising")
    samples = calibration_samples(model.inputs, calibration, MAX_SAMPLES, progress)
    public = [name for name, word in zip(names, words, strict=True) if word == "public"]
    how = options.showing_inputs(public)
    made = faithful(model, samples, how, options.tolerance, progress)
    graph = made.graph
    progress.stage("laying out the circuit")
    lowered = lower(graph, visibility, log_columns=log_columns, hiding=zero_knowledge)
    chosen: Price | None = None
    if target == "evm":
        columns = LOG_COLUMNS if log_columns is None else (log_columns,)
        chosen = cheapest(lowered.table, columns=columns)
        log_columns = chosen.log_columns
        lowered = lower(
            graph,
            visibility,
            log_columns=log_columns,
            hiding=zero_knowledge,
            outer_axes=chosen.outer_axes,
        )
    estimate = cost(lowered.table, 1)
    return Circuit(
        model=model.digest,
        backend="native",
        version=VERSION,
        weights=visibility.weights,
        inputs=specs(graph, "input", visibility),
        outputs=specs(graph, "output", visibility),
        facts={
            "proof_bytes": estimate.chosen.proof_bytes,
            "lookups": estimate.lookups,
            "addresses": f"2^{estimate.chosen.address_bits}",
            "prove_time": estimate.time_class,
            **({} if chosen is None else {"gas": chosen.gas}),
            "maximum_error": f"{made.maximum_error:.3g}",
            "relative_error": f"{made.relative_error:.3g}",
            "top1_agreement": None if made.top1 is None else f"{made.top1:.4f}",
            "tolerance": f"{options.tolerance:.3g}",
            "measured_on": made.measured_on,
            "zero_knowledge": zero_knowledge,
            "made_by": __version__,
        },
        onnx=model.onnx,
        parameters=parameters(
            visibility, log_columns, lowered, chosen is None or chosen.outer_axes
        ),
        compiled=graph.to_bytes(),
    )


def specs(graph: IntegerGraph, role: Role, visibility: Visibility) -> tuple[TensorSpec, ...]:
    """The model's inputs or outputs as the key fixes them."""
    nodes = graph.inputs if role == "input" else graph.outputs
    names = graph.input_names if role == "input" else graph.output_names
    shapes = graph.input_shapes if role == "input" else graph.output_shapes
    return tuple(
        TensorSpec(name, shape, graph.nodes[node].scale, word)
        for node, name, shape, word in zip(
            nodes, names, shapes, visibility.of(role, names), strict=True
        )
    )
