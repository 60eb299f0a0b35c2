"""``target="evm"``: the layout that takes the least gas, chosen from all that there are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import verifai
from tests.circuit import models
from verifai.circuit import Visibility
from verifai.circuit.lower import lower
from verifai.compact import gas
from verifai.compact.program import Op
from verifai.errors import UnsupportedError, UsageError
from verifai.proof.codec import canonical_json

RECORDS = Path(__file__).parents[2]
#: Gas of every layout of two models: transactions, by ``python -m benchmarks.gas_model --write``.
MEASURED = json.loads((RECORDS / "benchmarks" / "gas_layouts.json").read_text(encoding="utf-8"))
#: Published gas of circuits of both targets: ``make gas``.
PUBLISHED = json.loads((RECORDS / "docs" / "gas.json").read_text(encoding="utf-8"))["native"]


@pytest.fixture(scope="module")
def tables():
    """Operation tables of the models of the record, as compiled by default."""
    pytest.importorskip("torch")
    from benchmarks.gas_model import CASES

    found = {}
    for name in ("digits", "lenet"):
        work = CASES[name][0]()
        model = work.exported()
        circuit = verifai.compile(
            model, work.calibration, options=verifai.NativeOptions(tolerance=0.2)
        )
        found[name] = circuit.restored.lowered.table
    return found


@pytest.mark.parametrize("name", ["mlp", "digits", "sigmoid"])
def test_a_layout_without_outer_axes_is_the_table_without_them(name):
    """So that layouts are compared by tables, and no graph is lowered twice."""
    graph = models.MODELS[name]()
    plain = json.loads(lower(graph, Visibility()).table)
    boxes = [x for x in (*plain["nodes"], *plain["product"], *plain["lookup"]) if "outer" in x]
    for box in boxes:
        box["outer"] = []
    wanted = canonical_json({**plain, "log_columns": 12})
    assert lower(graph, Visibility(), outer_axes=False, log_columns=12).table == wanted


@pytest.mark.parametrize("name", ["digits", "lenet"])
def test_the_model_agrees_with_every_transaction_and_chooses_the_best(tables, name):
    estimated = {(p.outer_axes, p.log_columns): p.gas for p in gas.prices(tables[name])}
    measured = {
        (row["outer_axes"], row["log_columns"]): row["gas"]
        for row in MEASURED
        if row["model"] == name and row["batch"] == 1
    }
    assert len(measured) >= 6
    for layout, spent in measured.items():
        assert abs(estimated[layout] / spent - 1) < gas.ERROR, (layout, estimated[layout], spent)
    chosen = gas.cheapest(tables[name])
    assert chosen.gas == min(estimated.values())
    assert (chosen.outer_axes, chosen.log_columns) == min(measured, key=lambda at: measured[at])


def test_published_figures_have_the_order_that_the_target_promises():
    for name in ("digits", "lenet"):
        for visible in ("public", "private"):
            rows = [
                r for r in PUBLISHED if (r["model"], r["input"], r["batch"]) == (name, visible, 1)
            ]
            spent = {row["target"]: row["gas"] for row in rows}
            assert set(spent) in ({"offline", "evm"}, set()), (name, visible)
            if spent:
                assert spent["evm"] < spent["offline"], (name, visible)


def test_what_a_chain_would_save_is_said_where_it_is_much(tables):
    offline = gas.price(tables["lenet"]).gas
    saved = gas.saving(tables["lenet"])
    assert 0.2 * offline < saved <= offline - gas.cheapest(tables["lenet"]).gas
    placed = lower(models.mlp(), Visibility(), outer_axes=False, log_columns=12).table
    assert gas.saving(placed) == 0


def test_a_circuit_for_a_chain_has_nothing_to_save_in_a_batch_either(tables):
    chosen = gas.cheapest(tables["digits"], columns=gas.FEW_COLUMNS)
    fields = {**json.loads(tables["digits"]), "log_columns": chosen.log_columns}
    if not chosen.outer_axes:
        for tile in gas._tiles(fields):
            if "outer" in tile:
                tile["outer"] = []
    placed = canonical_json(fields)
    other = min(one.gas for one in gas.prices(placed, 32, gas.FEW_COLUMNS))
    assert gas.price(placed, 32).gas > (1 + gas.ERROR) * other  # which no target gives
    assert [gas.saving(placed, batch) for batch in (1, 32)] == [0, 0]


def test_every_operation_has_a_price():
    for op in Op:
        fields = (1,) * {Op.EQ_SLOTS: 4, Op.EQ_RANGE: 5}.get(op, 12)
        assert set(gas._work_of_step(op, fields)) <= set(gas.GAS), op
    table = lower(models.MODELS["attention"](), Visibility(), hiding=True).table
    assert gas.price(table, 3).gas > gas.price(table).gas  # entrywise products in a batch


def linear(**options):
    torch = pytest.importorskip("torch")
    pytest.importorskip("verifai._native")
    torch.manual_seed(0)
    model = verifai.export(torch.nn.Linear(5, 3), (torch.rand(1, 5),))
    samples = np.random.default_rng(0).random((4, 1, 5), dtype=np.float32)
    return verifai.compile(model, samples, **options), samples


def test_a_circuit_for_a_chain_proves_and_says_its_gas():
    circuit, samples = linear(target="evm")
    assert f"gas={circuit.facts['gas']}" in repr(circuit)
    assert circuit.digest != linear()[0].digest
    again = verifai.Circuit.from_bytes(circuit.to_bytes())
    pk, vk = verifai.setup(again)
    assert gas.price(bytes(vk.material[0])).gas == circuit.facts["gas"]
    proof = verifai.prove(pk, samples[0])
    assert verifai.verify(proof, vk) == proof.statement


def test_columns_that_were_asked_for_stay():
    circuit, _ = linear(target="evm", options=verifai.NativeOptions(log_columns=9))
    assert circuit.restored.lowered.operations.log_columns == 9


def test_a_target_that_is_none_is_refused():
    with pytest.raises(UsageError, match="'offline' or 'evm'"):
        linear(target="solana")


def test_a_circuit_that_fits_no_contract_is_refused_by_compile():
    torch = pytest.importorskip("torch")
    from torch import nn

    torch.manual_seed(0)
    functions = (nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.Softplus, nn.ELU, nn.Mish)
    module = nn.Sequential(*(layer for kind in functions for layer in (nn.Linear(4, 4), kind())))
    model = verifai.export(module, (torch.rand(1, 4),))
    samples = 10 * np.random.default_rng(0).random((8, 1, 4), dtype=np.float32)
    verifai.compile(model, samples)
    with pytest.raises(UnsupportedError, match=r"a contract holds 24,575 bytes") as refused:
        verifai.compile(model, samples, target="evm")
    assert "tanh" in str(refused.value.hint)
