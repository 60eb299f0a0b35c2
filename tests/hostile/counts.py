"""Figures of the other suites, counted from what they define and run, never typed."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.circuit import test_malicious
from tests.soundness import test_malicious_witness, test_mutation, test_verifier_mutation
from tests.soundness.proofs import NAMES, case
from tests.soundness.test_malicious_witness import LIES
from tests.soundness.test_mutation import lies
from tests.soundness.test_verifier_mutation import CHECKS, CLAIMS

ROOT = Path(__file__).parents[2]
#: Written by circuits/fuzz/run.py: {target: {"executions": n, "crashes": n, ...}}.
FUZZ = ROOT / "circuits" / "fuzz" / "figures.json"


def cases(module: ModuleType, asserting: str) -> int:
    """Test functions of a module whose bodies mention a name."""
    tree = ast.parse(inspect.getsource(module))
    tests = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    return sum(asserting in ast.unparse(node) for node in tests)


def operation(name: str, node: str) -> str:
    """The operation of the integer graph that an ONNX node of a circuit became."""
    honest = case(name)
    names = honest.lowered.names
    at = [i for i in honest.table.committed if names[i] == node]
    steps = [honest.lowered.program[honest.table.committed.index(i)] for i in at]
    graph = circuit_graph(name)
    found = {n.name: type(n.operation).__name__ for n in graph.nodes}
    assert steps, f"{name} commits nothing for {node}"
    return found[node]


def circuit_graph(name: str) -> Any:
    """The integer graph of one of the circuits of ``tests/circuit/models.py``."""
    from tests.circuit import models

    return models.MODELS[name]()


def operations() -> dict[str, Any]:
    """Operations whose values a prover commits to, and those that some lie is told about."""
    committed: set[str] = set()
    for name in NAMES:
        names = case(name).lowered.names
        committed |= {operation(name, names[i]) for i in case(name).table.committed}
    lied: set[str] = set()
    for name, lie, _ in LIES.values():
        lied |= {operation(name, node) for node in lied_about(name, lie)}
    return {
        "committed": sorted(committed),
        "lied_about": sorted(lied),
        "lies": len(LIES),
        "witness_tests": cases(test_malicious, "violated"),
    }


def lied_about(name: str, lie: Any) -> set[str]:
    """The ONNX nodes whose tensors a lie changes."""
    _, tensor = test_malicious_witness.tensors(case(name))
    touched: set[str] = set()

    def noting(node: str, kind: type) -> Any:
        touched.add(node)
        return tensor(node, kind)

    lie(noting)
    return touched


def constraints() -> dict[str, int]:
    """Constraints removed one at a time, and those whose absence lets a lie through."""
    found = [lies(name) for name in NAMES]
    noticed, unneeded = (sum(len(part[i]) for part in found) for i in (0, 1))
    for name in NAMES:
        test_mutation.test_one_constraint_refuses_each_lie(name)
    return {
        "circuits": len(NAMES),
        "removed": noticed + unneeded,
        "noticed": noticed,
        "redundant": unneeded,
    }


def claims() -> dict[str, int]:
    """Claims and checks left out of the Python verifier, and those whose absence is noticed."""

    def noticed(test: Any, names: Any) -> int:
        count = 0
        for name in names:
            try:
                test(name)
            except AssertionError:
                continue
            count += 1
        return count

    suite = test_verifier_mutation
    return {
        "claims": len(CLAIMS),
        "claims_noticed": noticed(suite.test_a_claim_left_out_is_noticed, CLAIMS),
        "checks": len(CHECKS),
        "checks_noticed": noticed(suite.test_a_check_left_out_is_noticed, CHECKS),
    }


def fuzzing() -> dict[str, Any] | None:
    """Executions and crashes of the fuzz targets, None if they have not run."""
    if not FUZZ.exists():
        return None
    targets = json.loads(FUZZ.read_text(encoding="utf-8"))
    return {
        "targets": len(targets),
        "executions": sum(target["executions"] for target in targets.values()),
        "crashes": sum(target["crashes"] for target in targets.values()),
    }
