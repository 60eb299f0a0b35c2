"""``benchmarks.files``: a trial tells what became of a file, and the table what became of all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.files import report, trial
from benchmarks.files.trial import Trial
from tests.needs import skip_without
from tests.onnx_parts import node, value

skip_without("onnx")


def written(folder: Path, kind: str, shape: Any = ("N", 3)) -> Path:
    from onnx import helper

    graph = helper.make_graph(
        [node(kind, ["x"], ["y"])], "g", [value("x", shape)], [value("y", shape)]
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    (folder / "model.onnx").write_bytes(proto.SerializeToString())
    data = np.random.default_rng(0).normal(size=(9, 1, 3)).astype(np.float32)
    np.savez(folder / "samples.npz", x=data)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "shape", "verdict", "stage"),
    [
        ("Relu", ("N", 3), "matches", "compare"),
        ("Relu", ("N", "time"), "matches", "compare"),
        ("RandomNormalLike", ("N", 3), "refused", "compile"),
        ("Relu", (2, 3), "not run", "onnxruntime"),
    ],
)
def test_a_trial_goes_the_whole_route(
    tmp_path: Path, kind: str, shape: Any, verdict: str, stage: str
) -> None:
    found = trial.tried("one", "some", written(tmp_path, kind, shape), 300, 4 << 30)
    assert (found.verdict, found.stage) == (verdict, stage), found
    assert found.asked == ("time" in shape)
    if verdict == "matches":
        assert found.error is not None
        assert found.error < 1e-3
        assert found.seconds is not None
        assert set(found.seconds) == set(trial.STAGES)


@pytest.mark.slow
def test_a_trial_ends_at_its_limits(tmp_path: Path) -> None:
    folder = written(tmp_path, "Relu")
    assert trial.tried("one", "some", folder, 0, 4 << 30).verdict == "limit"
    found = trial.tried("one", "some", folder, 300, 1 << 20)
    assert found.verdict == "limit"
    assert "0.0 GiB" in found.reason


def test_an_error_is_a_share_of_the_range_and_of_integers_none() -> None:
    reals = [np.float32([0, 1]), np.float32([-1, 3])]
    assert trial._error(np.array([0.0, 1.04]), reals) == pytest.approx(0.01)
    assert trial._error(np.array([0, 1]), [np.array([0, 1])]) == 0
    assert trial._error(np.array([0, 2]), [np.array([0, 1])]) == float("inf")
    assert trial._error(np.zeros(3), reals) == float("inf")


def test_the_table_counts_what_was_reached() -> None:
    trials = [
        Trial("a", "one", "matches", "compare", error=0.0),
        Trial("b", "one", "wrong", "compare", "off by 7 % of the range"),
        Trial("c", "one", "refused", "load", "no | such\noperator in /tmp/some/place.onnx"),
        Trial("d", "two", "limit", "prove", "more than 9 s in prove", asked=True),
        Trial("e", "two", "not run", "onnxruntime", "no"),
    ]
    assert report.rows(trials)[-1] == ["all", "4", "3", "3", "2", "1", "1", "1", "1", "0"]
    assert len(report.reasons(trials)) == 4
    assert report._cell(trials[2].reason) == "no \\| such operator in ..."


def test_the_page_is_written_between_its_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "files.md"
    page.write_text(report.PAGE.read_text())
    monkeypatch.setattr(report, "PAGE", page)
    for _ in range(2):
        report.write([Trial("a", "one", "matches", "compare", error=0.0)], "")
    text = page.read_text()
    assert "1 files that onnxruntime runs; 1 match (100.0 %)" in text
    assert text.count(report.BEGIN) == text.count(report.END) == 1
