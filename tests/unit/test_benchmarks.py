"""The benchmarks themselves: what they measure is what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytest.importorskip("rich")


def row(model: str, backend: str, weights: int, seconds: float, batch: int = 1) -> dict:
    from benchmarks.compare import RATIOS

    figures = dict.fromkeys(RATIOS, seconds)
    return {"model": model, "backend": backend, "weights": weights, "batch": batch} | figures


def test_models_have_the_sizes_that_their_names_say() -> None:
    pytest.importorskip("torch")
    from benchmarks import models

    for name, wanted in (("mlp-10k", 1e4), ("mlp-100k", 1e5), ("mlp-1m", 1e6), ("mlp-10m", 1e7)):
        assert models.weights(models.rung(models.LADDER[name])) == pytest.approx(wanted, rel=0.05)
    assert models.weights(models.cifar()) == 264_365
    assert models.weights(models.lenet()) == 44_426
    assert set(models.LADDER) < set(models.MODELS)


def test_a_workload_is_the_same_every_time() -> None:
    pytest.importorskip("torch")
    from benchmarks.models import MODELS

    first, second = MODELS["digits"](), MODELS["digits"]()
    assert (first.held_out == second.held_out).all()
    assert not (first.calibration[0] == first.held_out[0]).all()
    pairs = zip(first.module.parameters(), second.module.parameters(), strict=True)
    assert all((a == b).all() for a, b in pairs)


def test_ratios_are_of_pairs_and_of_single_inferences() -> None:
    from benchmarks.compare import RATIOS, ratios

    rows = [
        row("mlp", "native", 100, 2.0),
        row("mlp", "native", 100, 64.0, batch=64),
        row("mlp", "ezkl", 100, 8.0),
        row("cifar", "native", 200, 3.0),
    ]
    assert ratios(rows) == [{"model": "mlp", **dict.fromkeys(RATIOS, 0.25)}]


@pytest.mark.slow
def test_what_hiding_costs_is_a_ratio_of_proofs_made_in_turns() -> None:
    pytest.importorskip("torch")
    from benchmarks.masks import measure

    found = measure("digits", 2)
    assert found["bytes_ratio"] == pytest.approx(6240 / 4960)
    assert found["seconds"]["hiding"] > 0 < found["seconds"]["plain"]


@pytest.mark.slow
def test_compare_measures_the_smallest_model(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.compare", "--models", "digits"]
    command += ["--backends", "native", "--batches", "1,2", "--json", str(file)]
    environment = os.environ | {"VERIFAI_HOME": str(tmp_path / "home")}
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=environment)
    found = json.loads(file.read_text())
    assert [r["batch"] for r in found["rows"]] == [1, 2]
    for r in found["rows"]:
        assert 0 < r["verify_rust_seconds"] < r["prove_seconds"] <= r["first_proof_seconds"] * 10
        assert r["prove_runs"] >= 5
        assert 10 < r["peak_memory_mib"] < 4096
        assert r["relative_error"] < 0.005
        assert r["top1_agreement"] >= 0.995
    assert found["ratios"] == []
    assert found["machine"]["cores"] >= 1


@pytest.mark.slow
def test_stages_add_up_to_the_proof() -> None:
    pytest.importorskip("torch")
    from benchmarks.profile import profile
    from benchmarks.steps import timed

    seconds, made = timed(lambda: profile("digits", 2, 3))
    found = made["stages"]
    assert {"witness", "zerocheck", "batching sumcheck", "opening"} <= set(found)
    assert 0 < sum(stage["best"] for stage in found.values()) < seconds
    assert all(stage["best"] <= stage["seconds"] for stage in found.values())


@pytest.mark.slow
def test_fidelity_of_lenet_on_held_out_digits() -> None:
    """At default settings: logits within 0.5 % of their range, top-1 agreement 99.5 %."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    import numpy as np

    import verifai
    from benchmarks.models import MODELS
    from verifai.backends.native.keys import load
    from verifai.graph import fidelity

    work = MODELS["lenet"]()
    model = work.exported()
    circuit = verifai.compile(model, work.calibration, progress=False)
    pk, _ = verifai.setup(circuit, progress=False)
    measured = fidelity(load(pk).graph, model, [(np.asarray(one),) for one in work.held_out])
    assert measured.samples == 360
    assert measured.relative_error < 0.005
    assert measured.top1 is not None
    assert measured.top1 >= 0.995
