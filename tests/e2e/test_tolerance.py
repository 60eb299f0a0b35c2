"""``verifai compile`` shows how far the circuit is from the model, and refuses one that is off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.graph.awkward import in_a_row
from tests.needs import skip_without
from verifai.cli.main import main

skip_without("onnx", "onnxruntime", "onnxscript")


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Compiles (x - 100) * 1000 for x near 100, which 16 bits hold to a fifth."""
    monkeypatch.chdir(tmp_path)
    in_a_row(("Sub", np.float32(100)), ("Mul", np.float32(1000)))().save("model.onnx")
    data = np.random.default_rng(0).uniform(99.99, 100.01, (25, 1, 6)).astype(np.float32)
    np.save("data.npy", data)
    return ["compile", "model.onnx", "--calibration", "data.npy"]


def test_the_command_refuses_names_the_place_and_says_what_to_do(
    words: list[str], capsys: Any
) -> None:
    assert main([*words, "--json"]) == 5
    value = json.loads(capsys.readouterr().out)
    assert (value["node"], value["operator"], value["tolerance"]) == ("x", "input", 0.01)
    assert 0.1 < value["relative_error"] < 0.5
    assert "steps of 0.00781" in value["message"]
    assert "NativeOptions(tolerance=" in value["hint"]
    assert not Path("circuit.vfc").exists()


def test_the_error_is_shown_when_it_is_accepted(words: list[str], capsys: Any) -> None:
    assert main([*words, "--tolerance", "0.9"]) == 0
    said = capsys.readouterr().out
    assert "relative_error=0." in said
    assert "tolerance=0.9" in said
    assert "% of an output's range" in said
    assert "25 inputs, 5 held out" in said


def test_a_tolerance_that_is_none_is_a_wrong_call(words: list[str], capsys: Any) -> None:
    assert main([*words, "--tolerance", "nan"]) == 2
    assert "tolerance is a number" in capsys.readouterr().err
