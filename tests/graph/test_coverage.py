"""ONNX's own test models: how many compile and match, and that none compiles to something else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.graph.single import within_bounds
from tests.needs import skip_without
from verifai.graph import run, torch_run

skip_without("onnxruntime", "onnxscript", "torch")


PAGE = Path(__file__).parents[2] / "docs" / "reference" / "operators.md"
#: Least share of the cases that match.
FLOATS, INTEGERS = 0.90, 0.75
#: Least number of cases; measured with onnx 1.23.2, later releases only add some.
CASES = 1000


@pytest.mark.slow
def test_onnx_node_tests():
    from benchmarks.coverage import cases, outcome

    counts: Counter[tuple[bool, bool]] = Counter()
    for case in cases():
        found = outcome(case)
        assert found.verdict != "wrong", f"{case.name}: {found.reason}"
        counts[case.floats, found.verdict == "matches"] += 1
        if found.graph is None or found.integers is None:
            continue
        values = run(found.graph, found.integers, batch=True)
        within_bounds(found.graph, values)
        for ours, theirs in zip(values, torch_run(found.graph, found.integers), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert counts.total() >= CASES
    for floats, share in ((True, FLOATS), (False, INTEGERS)):
        matching = counts[floats, True]
        assert matching >= share * (matching + counts[floats, False]), counts


def test_the_page_of_operators_is_current():
    from benchmarks.operators import table

    assert PAGE.read_text() == table(), "run: python -m benchmarks.coverage --table > " + str(PAGE)


def test_what_the_page_says_of_operators_is_said_of_operators():
    from benchmarks.operators import DOMAINS, FOLDED, PARTLY, names, status
    from verifai.graph.lower import OPERATORS
    from verifai.graph.refusals import NO_CIRCUIT

    known = {name for domain in DOMAINS for name in names(domain)}
    assert known >= {*PARTLY, *FOLDED, *NO_CIRCUIT}
    assert not OPERATORS.keys() & NO_CIRCUIT.keys()
    assert not PARTLY.keys() & NO_CIRCUIT.keys()
    assert status("Add") == ("yes", "")
    assert status("NonZero")[0] == "no"
    assert all(why for name in names("") for verdict, why in [status(name)] if verdict != "yes")
