"""Estimators of scikit-learn: what is exported predicts what they predict, on new rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import verifai
from tests.needs import skip_without
from verifai.errors import InputError, UnsupportedError, UsageError
from verifai.graph import build, dequantise, quantise_inputs, run
from verifai.model.inputs import calibration_samples, check_batch

skip_without("onnx", "onnxruntime", "onnxscript", "sklearn", "skl2onnx", "pandas")


def table(count: int) -> tuple[Any, np.ndarray]:
    """Columns of very different size, and two classes with names."""
    import pandas

    rng = np.random.default_rng(0)
    made = pandas.DataFrame(
        {
            "income": np.round(rng.uniform(1e4, 3e5, count), 2),
            "rate": rng.uniform(0, 0.3, count),
            "age": rng.integers(18, 90, count),
            "since": rng.integers(1_200_000_000, 1_700_000_000, count),
            "home": rng.integers(0, 3, count),
        }
    )
    risk = made.rate * 6 + made.age / 50 - made.income / 1e5 + (made.since / 1e9 - 1.4)
    return made, np.where(risk + 0.5 * (made.home == 2) > np.median(risk), "bad", "good")


def predicted(model: verifai.Model, seen: Any, rows: Any) -> list[np.ndarray]:
    """What the circuit computes, output by output."""
    graph = build(model, calibration_samples(model.inputs, seen, 300))
    _, arrays = check_batch(model.inputs, rows, batch=True)
    values = run(graph, quantise_inputs(graph, arrays), batch=True)
    return [dequantise(graph, at, values[at]).reshape(len(rows), -1) for at in graph.outputs]


def test_a_forest_of_columns_of_very_different_size() -> None:
    """1,000 rows that neither training nor calibration saw: the very same labels."""
    from sklearn.ensemble import RandomForestClassifier

    rows, outcome = table(1600)
    forest = RandomForestClassifier(15, max_depth=7, random_state=0).fit(rows[:600], outcome[:600])
    model = verifai.export(forest, rows[:600])
    assert [info.dtype for info in model.inputs] == ["float32"] * 2 + ["int64"] * 3
    assert any("0 = 'bad', 1 = 'good'" in note for note in model.notes)
    label, likely = predicted(model, rows[:600], rows[600:])
    assert np.array_equal(forest.classes_[label[:, 0].astype(int)], forest.predict(rows[600:]))
    assert np.abs(likely - forest.predict_proba(rows[600:])).max() < 1e-4


def test_a_pipeline_with_categories() -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rows, outcome = table(600)
    columns = ColumnTransformer(
        [
            ("home", OneHotEncoder(handle_unknown="ignore"), ["home"]),
            ("numbers", StandardScaler(), ["income", "rate", "age", "since"]),
        ]
    )
    pipeline = make_pipeline(columns, LogisticRegression()).fit(rows[:300], outcome[:300])
    label, likely = predicted(verifai.export(pipeline, rows[:300]), rows[:300], rows[300:])
    wrong = pipeline.classes_[label[:, 0].astype(int)] != pipeline.predict(rows[300:])
    real = pipeline.predict_proba(rows[300:])
    assert np.abs(likely - real).max() < 2e-3
    assert not (wrong & (np.abs(real[:, 0] - 0.5) > 2e-3)).any()


def test_an_array_is_one_input() -> None:
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(1)
    rows = (rng.normal(size=(500, 4)) * [1, 10, 0.1, 100]).astype(np.float32)
    target = rows[:, 0] + rows[:, 1] / 10
    model = make_pipeline(StandardScaler(), GradientBoostingRegressor(n_estimators=15))
    model.fit(rows[:300], target[:300])
    made = verifai.export(model, rows[:300])
    assert [info.shape for info in made.inputs] == [(1, 4)]
    inside = np.clip(rows[300:], rows[:300].min(0), rows[:300].max(0))
    (found,) = predicted(made, rows[:300], inside)
    assert np.abs(found[:, 0] - model.predict(inside)).max() < 1e-3


def test_what_is_refused() -> None:
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    rows, outcome = table(60)
    tree = DecisionTreeClassifier()
    with pytest.raises(UsageError, match="call fit"):
        verifai.export(tree, rows)
    tree.fit(rows, outcome)
    with pytest.raises(UsageError, match="holds"):
        verifai.export(tree, rows.assign(home="rented"))
    with pytest.raises(InputError, match="NaN or infinity in 'rate'"):
        verifai.export(tree, rows.assign(rate=np.nan))
    with pytest.raises(UsageError, match="table of rows"):
        verifai.export(tree, np.zeros(5))
    several = SVC(probability=True).fit(rows.to_numpy(), np.arange(60) % 3)
    with pytest.raises(UnsupportedError):
        build(verifai.export(several, rows.to_numpy()), [(rows.to_numpy(np.float32)[:1],)])
