"""Estimators of scikit-learn, XGBoost and LightGBM, fitted to its small data sets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn import (
    cluster,
    datasets,
    decomposition,
    ensemble,
    linear_model,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)

from benchmarks.files.catalog import SAMPLES, Entry, save_samples


def _scaled(estimator: Any) -> Any:
    return pipeline.make_pipeline(preprocessing.StandardScaler(), estimator)


#: Estimator, and whether it is fitted to classes (iris), numbers (diabetes) or nothing.
ESTIMATORS: Final[dict[str, tuple[Callable[[], Any], str]]] = {
    "LogisticRegression": (lambda: _scaled(linear_model.LogisticRegression()), "classes"),
    "RidgeClassifier": (linear_model.RidgeClassifier, "classes"),
    "SGDClassifier": (lambda: _scaled(linear_model.SGDClassifier(loss="log_loss")), "classes"),
    "LinearRegression": (linear_model.LinearRegression, "numbers"),
    "Ridge": (lambda: _scaled(linear_model.Ridge()), "numbers"),
    "Lasso": (linear_model.Lasso, "numbers"),
    "PoissonRegressor": (linear_model.PoissonRegressor, "numbers"),
    "SVC-rbf": (lambda: _scaled(svm.SVC()), "classes"),
    "SVC-probability": (lambda: _scaled(svm.SVC(probability=True)), "classes"),
    "SVR": (lambda: _scaled(svm.SVR()), "numbers"),
    "NuSVR-poly": (lambda: _scaled(svm.NuSVR(kernel="poly", degree=2)), "numbers"),
    "DecisionTreeClassifier": (lambda: tree.DecisionTreeClassifier(max_depth=6), "classes"),
    "DecisionTreeRegressor": (lambda: tree.DecisionTreeRegressor(max_depth=6), "numbers"),
    "RandomForestClassifier": (
        lambda: ensemble.RandomForestClassifier(20, max_depth=6, random_state=0), "classes"
    ),
    "RandomForestRegressor": (
        lambda: ensemble.RandomForestRegressor(20, max_depth=6, random_state=0), "numbers"
    ),
    "ExtraTreesClassifier": (
        lambda: ensemble.ExtraTreesClassifier(20, max_depth=6, random_state=0), "classes"
    ),
    "GradientBoostingClassifier": (
        lambda: ensemble.GradientBoostingClassifier(n_estimators=10), "classes"
    ),
    "GradientBoostingRegressor": (
        lambda: ensemble.GradientBoostingRegressor(n_estimators=10), "numbers"
    ),
    "AdaBoostClassifier": (lambda: ensemble.AdaBoostClassifier(n_estimators=10), "classes"),
    "BaggingClassifier": (lambda: ensemble.BaggingClassifier(n_estimators=5), "classes"),
    "IsolationForest": (
        lambda: ensemble.IsolationForest(n_estimators=10, random_state=0), "nothing"
    ),
    "MLPClassifier": (
        lambda: _scaled(neural_network.MLPClassifier(hidden_layer_sizes=16, max_iter=50)),
        "classes",
    ),
    "MLPRegressor": (
        lambda: _scaled(neural_network.MLPRegressor(hidden_layer_sizes=16, max_iter=50)),
        "numbers",
    ),
    "GaussianNB": (naive_bayes.GaussianNB, "classes"),
    "KNeighborsClassifier": (neighbors.KNeighborsClassifier, "classes"),
    "KMeans": (lambda: cluster.KMeans(3, n_init=1, random_state=0), "nothing"),
    "PCA": (lambda: decomposition.PCA(2), "nothing"),
    "StandardScaler": (preprocessing.StandardScaler, "nothing"),
    "MinMaxScaler": (preprocessing.MinMaxScaler, "nothing"),
    "Normalizer": (preprocessing.Normalizer, "nothing"),
    "Binarizer": (lambda: preprocessing.Binarizer(threshold=3.0), "nothing"),
    "PolynomialFeatures": (
        lambda: _scaled(preprocessing.PolynomialFeatures(include_bias=False)), "nothing"
    ),
    "KBinsDiscretizer": (
        lambda: preprocessing.KBinsDiscretizer(4, encode="onehot-dense"), "nothing"
    ),
}  # fmt: skip

#: Boosted trees of other packages: constructor, and what it is fitted to.
BOOSTED: Final = {
    "XGBClassifier": "classes",
    "XGBRegressor": "numbers",
    "LGBMClassifier": "classes",
    "LGBMRegressor": "numbers",
}


def _data(fitted_to: str) -> tuple[Any, Any]:
    load = datasets.load_diabetes if fitted_to == "numbers" else datasets.load_iris
    x, y = load(return_X_y=True)
    return x.astype(np.float32), y


def _save(proto: Any, x: Any, folder: Path) -> None:
    (folder / "model.onnx").write_bytes(proto.SerializeToString())
    rows = np.random.default_rng(0).choice(len(x), SAMPLES, replace=False)
    save_samples(folder, {proto.graph.input[0].name: x[rows][:, None]})


def build_sklearn(name: str, folder: Path) -> None:
    """An estimator through skl2onnx, as its manual says."""
    from skl2onnx import to_onnx

    make, fitted_to = ESTIMATORS[name]
    x, y = _data(fitted_to)
    np.random.seed(0)
    estimator = make().fit(x, None if fitted_to == "nothing" else y)
    _save(to_onnx(estimator, x[:1]), x, folder)


def build_boosted(name: str, folder: Path) -> None:
    """Trees of XGBoost or LightGBM through onnxmltools."""
    import lightgbm
    import xgboost
    from onnxmltools import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    x, y = _data(BOOSTED[name])
    types = [("input", FloatTensorType([None, x.shape[1]]))]
    if name.startswith("XGB"):
        made = getattr(xgboost, name)(n_estimators=20, max_depth=4, n_jobs=1).fit(x, y)
        proto = convert_xgboost(made, initial_types=types)
    else:
        options = {"n_estimators": 20, "max_depth": 4, "n_jobs": 1, "verbose": -1}
        made = getattr(lightgbm, name)(**options).fit(x, y)
        proto = convert_lightgbm(made, initial_types=types, zipmap=False)
    _save(proto, x, folder)


def entries() -> list[Entry]:
    return [
        *(Entry(name, "scikit-learn", partial(build_sklearn, name)) for name in ESTIMATORS),
        *(Entry(name, "XGBoost, LightGBM", partial(build_boosted, name)) for name in BOOSTED),
    ]
