"""The independent verifier: bundle and key in, statement out, or a numbered refusal.

Imports :mod:`verifai.proof` and nothing else of the project. The one thing only a proof system
can say (check 7) is found through :mod:`verifai.verifier.systems`.
"""

from verifai.verifier.verify import CHECKS, CheckResult, results, verify

__all__ = ["CHECKS", "CheckResult", "results", "verify"]
