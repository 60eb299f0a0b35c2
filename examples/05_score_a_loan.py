"""Prove what a credit model says of an applicant, whose data nobody sees.

The model is a scikit-learn pipeline: columns of very different size, categories, gradient boosting.
The applicant's data stay private; the label and the probability are public.

Run: python examples/05_score_a_loan.py
"""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import verifai


def applicants(count: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Synthetic loans, and whether each is repaid."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "income": np.round(rng.lognormal(10.5, 0.6, count), 2),  # a year
            "rate": np.round(rng.uniform(0.01, 0.25, count), 4),
            "age": rng.integers(18, 90, count),
            "customer_since": rng.integers(946_684_800, 1_700_000_000, count),  # seconds
            "home": rng.integers(0, 3, count),  # 0 rents, 1 pays a mortgage, 2 owns
        }
    )
    risk = 8 * table.rate - np.log(table.income) - 0.3 * (table.home == 2) - table.age / 200
    risk += rng.normal(scale=0.3, size=count)
    return table, np.where(risk > np.quantile(risk, 0.7), "defaults", "repays")


def main() -> None:
    table, outcome = applicants(2000)
    seen, unseen = table[:1500], table[1500:]
    columns = ColumnTransformer(
        [("home", OneHotEncoder(handle_unknown="ignore"), ["home"])], remainder="passthrough"
    )
    pipeline = make_pipeline(columns, GradientBoostingClassifier(n_estimators=30, random_state=0))
    pipeline.fit(seen, outcome[:1500])

    model = verifai.export(pipeline, seen)  # compared with pipeline.predict and predict_proba
    print("; ".join(model.notes))
    circuit = verifai.compile(
        model, calibration=seen[:300], visibility=verifai.Visibility(input="private")
    )
    proving_key, verifying_key = verifai.setup(circuit)

    applicant = unseen[:1]
    proof = verifai.prove(proving_key, applicant)
    label, probabilities = (
        np.reshape(output.values, -1) for output in verifai.verify(proof, verifying_key).outputs
    )
    proved, said = pipeline.classes_[int(label[0])], pipeline.predict(applicant)[0]
    print("proved: ", proved, probabilities.round(4))
    print("sklearn:", said, pipeline.predict_proba(applicant)[0].round(4))
    if proved != said:
        raise SystemExit("the proof says something else than the model")


if __name__ == "__main__":
    main()
