"""A network small enough to be proved in many processes, without torch: children start faster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import verifai
from tests.needs import skip_without

skip_without("onnx", "onnxruntime")


WIDTH = 16


@dataclass(frozen=True)
class Keys:
    """A key pair, as files; and what is behind it."""

    model: verifai.Model
    circuit: verifai.Circuit
    pk: verifai.ProvingKey
    vk: verifai.VerifyingKey
    folder: Path

    @property
    def pk_path(self) -> Path:
        return self.folder / "proving.vfp"

    @property
    def vk_path(self) -> Path:
        return self.folder / "verifying.vfk"


def inputs(batch: int | None = None) -> np.ndarray:
    """Inputs within the calibrated range, of shape [1, WIDTH], or [batch, 1, WIDTH]."""
    shape = (1, WIDTH) if batch is None else (batch, 1, WIDTH)
    return np.random.default_rng(1).uniform(-1, 1, shape)


def network() -> verifai.Model:
    """Two dense layers with a ReLU between them."""
    import onnx

    rng = np.random.default_rng(0)
    helper, numbers = onnx.helper, onnx.numpy_helper.from_array
    weights = [
        numbers(rng.uniform(-0.2, 0.2, (WIDTH, WIDTH)).astype(np.float32), name)
        for name in ("first", "second")
    ]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "first"], ["h"], name="dense_1"),
            helper.make_node("Relu", ["h"], ["a"], name="relu"),
            helper.make_node("MatMul", ["a", "second"], ["y"], name="dense_2"),
        ],
        "network",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, WIDTH])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, WIDTH])],
        weights,
    )
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    return verifai.Model.from_bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    model = network()
    circuit = verifai.compile(
        model, inputs(64), options=verifai.NativeOptions(zero_knowledge=False)
    )
    pk, vk = verifai.setup(circuit)
    made = Keys(model, circuit, pk, vk, tmp_path_factory.mktemp("keys"))
    circuit.save(made.folder / "circuit.vfc")
    pk.save(made.pk_path)
    vk.save(made.vk_path)
    return made
