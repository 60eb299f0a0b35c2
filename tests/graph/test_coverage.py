"""ONNX's own test models: how many compile and match, and that none compiles to something else."""

from __future__ import annotations

import numpy as np
import pytest

from tests.graph.single import within_bounds
from tests.needs import skip_without
from verifai.graph import run, torch_run

skip_without("onnxruntime", "onnxscript", "torch")


#: Least number of cases that match; measured with onnx 1.23.2, later releases only add cases.
LISTED = 520
ALL = 673


@pytest.mark.slow
def test_onnx_node_tests():
    from benchmarks.coverage import cases, outcome

    matching = listed = 0
    for case in cases():
        found = outcome(case)
        assert found.verdict != "wrong", f"{case.name}: {found.reason}"
        if found.graph is None or found.integers is None:
            continue
        matching += 1
        listed += case.listed
        values = run(found.graph, found.integers, batch=True)
        within_bounds(found.graph, values)
        for ours, theirs in zip(values, torch_run(found.graph, found.integers), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert listed >= LISTED
    assert matching >= ALL
