"""The other operators of ``ai.onnx.ml``: as onnxruntime computes them, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.graph.forests import check, rows, tabular
from tests.needs import skip_without
from verifai.errors import UnsupportedError, VerifaiError
from verifai.graph import build

skip_without("onnx", "onnxruntime", "torch")

#: As onnx.TensorProto has them.
FLOAT, INT64 = 1, 7
BOTH = {"label": INT64, "y": FLOAT}
RNG = np.random.default_rng(0)


def numbers(*shape: int, size: float = 1.0) -> list[float]:
    return (RNG.uniform(-size, size, shape)).reshape(-1).tolist()


COLUMNWISE: list[tuple[str, dict[str, Any]]] = [
    ("Scaler", {"offset": [1.0, -2.0, 0.5], "scale": [0.5, 2.0, 0.01]}),
    ("Scaler", {"offset": [1.0], "scale": [0.25]}),
    ("Normalizer", {"norm": "L1"}),
    ("Normalizer", {"norm": "L2"}),
    ("Imputer", {"imputed_value_floats": [7.0, 1.0, 2.0], "replaced_value_float": 1.25}),
    ("Imputer", {"imputed_value_floats": [7.0], "replaced_value_float": float("nan")}),
    ("Binarizer", {"threshold": 0.25}),
]


@pytest.mark.parametrize(("op", "attributes"), COLUMNWISE)
def test_columnwise(op: str, attributes: dict[str, Any]) -> None:
    # of a normaliser no row is much smaller than others
    samples = rows(np.random.default_rng(1), 30, 3) + (6 if op == "Normalizer" else 0)
    check(tabular(op, [(1, 3)], **attributes), samples.astype(np.float32), units=8)


def test_normalised_by_the_largest() -> None:
    samples = np.abs(rows(np.random.default_rng(2), 30, 3)) + 1
    check(tabular("Normalizer", [(1, 3)], norm="MAX"), samples.astype(np.float32), units=8)


WHOLE = RNG.integers(-3, 6, (30, 1, 4))


@pytest.mark.parametrize(
    ("op", "kind", "attributes"),
    [
        ("OneHotEncoder", FLOAT, {"cats_int64s": [3, -1, 5], "zeros": 1}),
        ("LabelEncoder", INT64, {"keys_int64s": [0, 3, 5], "values_int64s": [40000, 7, -2]}),
        (
            "LabelEncoder",
            FLOAT,
            {"keys_int64s": [0, 3, 5], "values_floats": [0.5, 1.5, -2.0], "default_float": 9.0},
        ),
        ("Imputer", INT64, {"imputed_value_int64s": [8], "replaced_value_int64": -1}),
    ],
)
def test_categories(op: str, kind: int, attributes: dict[str, Any]) -> None:
    check(tabular(op, [(1, 4)], {"y": kind}, dtype=np.int64, **attributes), WHOLE)


def test_encoding_floats() -> None:
    made = tabular(
        "LabelEncoder",
        [(1, 3)],
        {"y": INT64},
        keys_floats=[0.25, -1.5, 2.0],
        values_int64s=[5, 6, 7],
        default_int64=-4,
    )
    check(made, rows(np.random.default_rng(3), 40, 3))


def test_choosing_and_joining_columns() -> None:
    samples = rows(np.random.default_rng(4), 10, 5)
    made = tabular("ArrayFeatureExtractor", [(1, 5)], constants={"at": np.array([4, 0, 0])})
    check(made, samples)
    made = tabular("FeatureVectorizer", [(1, 5), (1, 2)], inputdimensions=[5, 2])
    check(made, [(row, row[:, 1:3]) for row in samples])


@pytest.mark.parametrize("post", ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"])
@pytest.mark.parametrize("labels", [[0, 1], [4, 9], [2, 0, 1, 5]])
def test_linear_classifiers(post: str, labels: list[int]) -> None:
    count = 1 if len(labels) == 2 else len(labels)
    made = tabular(
        "LinearClassifier",
        [(1, 3)],
        BOTH,
        coefficients=numbers(count, 3),
        intercepts=numbers(count),
        classlabels_ints=labels,
        post_transform=post,
    )
    check(made, rows(np.random.default_rng(5), 40, 3), units=12)


@pytest.mark.parametrize("targets", [1, 3])
def test_linear_regressors(targets: int) -> None:
    made = tabular(
        "LinearRegressor",
        [(1, 4)],
        coefficients=numbers(targets, 4),
        intercepts=numbers(targets),
        targets=targets,
    )
    check(made, rows(np.random.default_rng(6), 30, 4), units=4)


KERNELS = [
    ("LINEAR", [0.0, 0.0, 3.0]),
    ("RBF", [0.25, 0.0, 3.0]),
    ("POLY", [0.25, 1.0, 3.0]),
    ("SIGMOID", [0.25, 0.5, 3.0]),
]


@pytest.mark.parametrize(("kernel", "params"), KERNELS)
def test_support_vector_regressors(kernel: str, params: list[float]) -> None:
    for one_class in (0, 1):
        made = tabular(
            "SVMRegressor",
            [(1, 3)],
            kernel_type=kernel,
            kernel_params=params,
            n_supports=4,
            support_vectors=numbers(4, 3, size=2),
            coefficients=numbers(4),
            rho=[0.3],
            one_class=one_class,
        )
        check(made, rows(np.random.default_rng(7), 30, 3, 2), units=24)


@pytest.mark.parametrize(("kernel", "params"), KERNELS)
@pytest.mark.parametrize("sizes", [[2, 3], [2, 1, 3]])
def test_support_vector_classifiers(kernel: str, params: list[float], sizes: list[int]) -> None:
    pairs = len(sizes) * (len(sizes) - 1) // 2
    made = tabular(
        "SVMClassifier",
        [(1, 3)],
        BOTH,
        kernel_type=kernel,
        kernel_params=params,
        vectors_per_class=sizes,
        support_vectors=numbers(sum(sizes), 3, size=2),
        coefficients=numbers(len(sizes) - 1, sum(sizes)),
        rho=numbers(pairs),
        classlabels_ints=list(range(len(sizes))),
    )
    check(made, rows(np.random.default_rng(8), 30, 3, 2), units=24)


def test_probabilities_of_a_support_vector_machine() -> None:
    made = tabular(
        "SVMClassifier",
        [(1, 2)],
        BOTH,
        kernel_type="LINEAR",
        kernel_params=[0.0, 0.0, 0.0],
        vectors_per_class=[1, 1],
        support_vectors=[1.0, 0.5, -0.5, 1.0],
        coefficients=[1.0, -1.0],
        rho=[0.1],
        prob_a=[-1.5],
        prob_b=[0.2],
        classlabels_ints=[0, 1],
    )
    # onnxruntime finds them by an iteration, to about a thousandth
    check(made, rows(np.random.default_rng(9), 20, 2, 2), units=2.0**7)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (
            lambda: tabular("OneHotEncoder", [(1, 2)], dtype=np.int64, cats_int64s=[0, 1], zeros=0),
            "not in the list",
        ),
        (
            lambda: tabular(
                "SVMClassifier",
                [(1, 1)],
                BOTH,
                kernel_type="LINEAR",
                kernel_params=[0.0, 0.0, 0.0],
                vectors_per_class=[1, 1, 1],
                support_vectors=[1.0, 2.0, 3.0],
                coefficients=[1.0, -1.0, 1.0, 1.0, 1.0, -1.0],
                rho=[0.0] * 3,
                prob_a=[1.0] * 3,
                prob_b=[1.0] * 3,
                classlabels_ints=[0, 1, 2],
            ),
            "probability=False",
        ),
    ],
)
def test_what_is_refused(made: Any, reason: str) -> None:
    model = made()
    sample = np.zeros(model.inputs[0].shape, model.inputs[0].dtype)
    with pytest.raises(UnsupportedError, match=reason):
        build(model, [(sample,)])


def test_strings_are_refused() -> None:
    import onnx

    with pytest.raises(VerifaiError, match=r"not numbers|strings"):
        tabular(
            "LabelEncoder",
            [(1, 2)],
            {"y": onnx.TensorProto.STRING},
            dtype=np.int64,
            keys_int64s=[0, 1],
            values_strings=["a", "b"],
        )
