"""Which proof system an audit's tests run on."""

from __future__ import annotations

import pytest

from verifai.verifier import systems


@pytest.fixture
def system_for_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proofs as :mod:`tests.audit.memory` makes them, under the name of ``ezkl``."""
    monkeypatch.setattr(systems, "_SYSTEMS", {"ezkl": "tests.audit.memory"})
