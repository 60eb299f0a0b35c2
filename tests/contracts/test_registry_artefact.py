"""The shipped bytecode is what the shipped source compiles to."""

from __future__ import annotations

import json

import pytest

from verifai.chain.shipped import interface
from verifai.contracts import build
from verifai.contracts.shipped import artefact
from verifai.errors import MalformedError
from verifai.evm.abi import selector


@pytest.mark.slow
def test_the_artefacts_are_reproducible():
    assert build.main(["--check"]) == 0


def test_the_artefact_is_reproducible():
    build.check("ProofRegistry")


def test_a_changed_artefact_is_noticed(tmp_path, monkeypatch):
    for suffix in ("sol", "json"):
        name = f"ProofRegistry.{suffix}"
        (tmp_path / name).write_text((build.CONTRACTS / name).read_text())
    monkeypatch.setattr(build, "CONTRACTS", tmp_path)
    monkeypatch.setattr(build, "NAMES", ("ProofRegistry",))
    build.check("ProofRegistry")
    path = tmp_path / "ProofRegistry.json"
    path.write_text(path.read_text().replace("0x60", "0x61", 1))
    with pytest.raises(MalformedError):
        build.check("ProofRegistry")
    assert build.main(["--check"]) == 3
    assert build.main([]) == 0
    assert build.main(["--check"]) == 0


def test_the_artefact_says_how_it_was_made():
    value = json.loads((build.CONTRACTS / "ProofRegistry.json").read_text())
    assert value["compiler"]["version"] == "0.8.20"
    assert value["compiler"]["settings"]["evmVersion"] == "paris"
    assert value["compiler"]["settings"]["metadata"] == {
        "appendCBOR": False,
        "bytecodeHash": "none",
    }
    assert value["bytecode"].startswith("0x60")
    assert len(artefact("ProofRegistry").creation) < 3000


def test_python_knows_every_error_of_the_contract():
    errors = [entry for entry in artefact("ProofRegistry").abi if entry["type"] == "error"]
    assert {entry["name"] for entry in errors} >= {"ProofRefused", "AlreadyPublished"}
    for entry in errors:
        types = [part["type"] for part in entry["inputs"]]
        data = selector(f"{entry['name']}({','.join(types)})") + bytes(32 * len(types))
        name, values = interface("ProofRegistry").error(data)
        assert (name, len(values)) == (entry["name"], len(types))
