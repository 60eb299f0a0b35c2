"""Honest files, made once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import verifai
from tests.hostile.strings import halo2
from tests.soundness.pipelines import pipeline


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one honest file of every kind of :data:`tests.hostile.route.KINDS`."""
    folder = tmp_path_factory.mktemp("honest")
    made = pipeline()
    made.model.save(folder / "model.onnx")
    made.pk.circuit.save(folder / "circuit.vfc")
    made.pk.save(folder / "proving.vfp")
    made.vk.save(folder / "key.vfk")
    made.proof.save(folder / "proof.vfb")
    verifai.prove_weights(made.pk).save(folder / "key.vfr")
    np.save(folder / "data.npy", np.random.default_rng(0).random((8, 1, 4), np.float32))
    (folder / "input.json").write_text(json.dumps(np.asarray(made.inputs).tolist()))
    (folder / "small.srs").write_bytes(halo2(7))
    return folder


@pytest.fixture
def folder(honest: Path, tmp_path: Path) -> Path:
    """A copy of the honest files."""
    return Path(shutil.copytree(honest, tmp_path / "files"))
