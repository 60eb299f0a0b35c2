"""Operators of ``ai.onnx.ml``, written out in ONNX's own before anything else is done.

================  ================================================================================
module            operators
================  ================================================================================
``columns``       Scaler, Normalizer, Imputer, Binarizer, OneHotEncoder, LabelEncoder,
                  FeatureVectorizer, ArrayFeatureExtractor
``linear``        LinearRegressor, LinearClassifier, SVMRegressor, SVMClassifier
``trees``         TreeEnsembleClassifier, TreeEnsembleRegressor, TreeEnsemble
``scores``        what becomes of scores: post-transforms, labels
``writing``       the nodes that replace one, and the columns that a tensor is joined from
================  ================================================================================

Three remain, each with one meaning that ONNX has no operator for, and a rule of their own in
``verifai/graph/operators``: trees as sums (``TreeEnsembleRegressor`` without a post-transform), the
label of the largest score (``LinearClassifier`` with the identity), the probit
(``LinearRegressor`` of one column).
"""

from verifai.graph.tabular.rewrite import written_out

__all__ = ["written_out"]
