"""The model: one ONNX file, weights inside, static shapes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifai.errors import InputError, UnsupportedError
from verifai.extras import require
from verifai.model.fixed import Fixed
from verifai.model.inputs import TensorInfo, check_inputs
from verifai.model.load import read
from verifai.model.nodes import OnnxNode, nodes_of
from verifai.model.session import session
from verifai.model.shapes import Shapes
from verifai.progress import Progress, reporting
from verifai.proof.files import replace_file
from verifai.proof.model_name import model_digest


@dataclass(frozen=True, repr=False)
class Model:
    """An ONNX model that has passed :func:`verifai.model.load`'s checks.

    Attributes:
        onnx: the file, in canonical form (no names of people, tools or paths).
        inputs, outputs: in the model's order.
        notes: what :func:`verifai.model.load` fixed, converted or wrote out, in words: the batch
            axis that became 1, for example. They are no part of the file or its digest.
    """

    onnx: bytes = field(repr=False)
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical ONNX bytes, domain-separated."""
        return model_digest(self.onnx)

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies and one's own processes, without the session of a model that has run."""
        return Model, (self.onnx, self.inputs, self.outputs, self.notes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Model:
        """The model in ``data``, silently. Raises as :func:`verifai.model.load`."""
        return load(data, progress=False)  # inside of what may report already

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        shapes: Shapes | None = None,
        fixed: Fixed | None = None,
    ) -> Model:
        """The model in a file. Raises as :func:`verifai.model.load`."""
        return load(path, shapes=shapes, fixed=fixed)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the ONNX file atomically and return its path."""
        return replace_file(path, [self.onnx])

    def nodes(self) -> tuple[OnnxNode, ...]:
        """All nodes in topological order."""
        onnx = require("onnx", "onnx", "reading an ONNX model")
        return nodes_of(onnx.load_from_string(self.onnx).graph)

    def check_inputs(self, inputs: Any) -> tuple[NDArray[Any], ...]:
        """``inputs`` as one finite array per model input, in order.

        Raises:
            InputError: wrong count, name, shape or dtype, NaN or infinity.
        """
        return check_inputs(self.inputs, inputs)

    def run(self, inputs: Any) -> tuple[NDArray[Any], ...]:
        """The float reference: ``inputs`` through onnxruntime on one CPU thread.

        Raises:
            InputError: as :meth:`check_inputs`, when onnxruntime fails on this input, or when an
                output is not finite.
            UnsupportedError: onnxruntime cannot run the model.
        """
        arrays = self.check_inputs(inputs)
        feed = {info.name: array for info, array in zip(self.inputs, arrays, strict=True)}
        try:
            outputs = self._session.run(None, feed)
        except UnsupportedError:
            raise
        except Exception as error:
            # its exceptions share no public base class; an index outside its table, for instance
            raise InputError(f"onnxruntime cannot run the model on this input: {error}") from None
        for info, array in zip(self.outputs, outputs, strict=True):
            if not np.isfinite(array).all():
                raise InputError(f"The model's output {info.name!r} is not finite on this input.")
        return tuple(np.asarray(array) for array in outputs)

    @cached_property
    def _session(self) -> Any:
        return session(self.onnx)

    def __repr__(self) -> str:
        def shown(tensors: tuple[TensorInfo, ...]) -> str:
            return ", ".join(f"{t.name}{list(t.shape)}" for t in tensors)

        return (
            f"Model({self.digest[:12]}, {shown(self.inputs)} -> {shown(self.outputs)}, "
            f"{len(self.onnx):,} bytes{''.join(f'; {note}' for note in self.notes)})"
        )


def load(
    source: str | os.PathLike[str] | bytes,
    *,
    shapes: Shapes | None = None,
    fixed: Fixed | None = None,
    progress: Progress | bool | None = None,
) -> Model:
    """Read an ONNX model, trusting nothing of it.

    The result is one file with the weights inside; names of tools, documentation and metadata are
    dropped, and the header is written anew, so that the same graph and weights have the same digest
    wherever they came from. Local functions are written out, sparse weights made dense, operator
    sets before 7 converted, and bfloat16 is computed in float32, as float64 and float16 are where
    onnxruntime lacks an operator in them; an input that no result depends on stays. What was done
    the progress and :attr:`Model.notes` say.

    Args:
        source: a path, or the bytes of a single-file model.
        shapes: lengths of what the file leaves open: of symbols, ``{"sequence": 16}``, or whole
            shapes of inputs, ``{"image": (1, 3, 224, 224)}``. An open batch axis, in front of the
            inputs, becomes 1 by itself.
        fixed: values of inputs that become constants of the model, ``{"sr": 16000}``: of those that
            decide over branches, numbers of steps or lengths, which a circuit has once.
        progress: see :func:`verifai.progress.reporting`.

    Raises:
        MalformedError: not a well-formed ONNX model, or external data that leave its folder.
        LimitError: larger than a limit of :mod:`verifai.limits`.
        UnsupportedError: lengths that are open, all named at once, with a call that gives them;
            operators that are not of ONNX, inputs or outputs that are no numbers, an operator set
            newer than the installed onnx.
        UsageError: shapes or values that contradict the file, or name nothing in it.
        MissingExtraError: onnx is not installed.
    """
    with reporting("load", progress) as report:
        parts = read(source, shapes, fixed)
        for note in parts.notes:
            report.stage(note)
    return Model(parts.onnx, parts.inputs, parts.outputs, parts.notes)
