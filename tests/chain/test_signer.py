"""Private keys get in by three ways and out by none."""

from __future__ import annotations

import json
import traceback

import pytest

from verifai.chain import connect, signer
from verifai.errors import EnvironmentFault, MalformedError, UsageError

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"


def test_from_the_environment(monkeypatch):
    for text in (KEY, "0x" + KEY, f" {KEY}\n"):
        monkeypatch.setenv("SOME_KEY", text)
        account = signer.named("SOME_KEY")
        assert account.address == ADDRESS
        assert KEY not in repr(account)
        assert KEY not in str(account)
    with connect(signer="SOME_KEY") as chain:
        assert ADDRESS in repr(chain)
        assert KEY not in repr(chain)


def test_from_an_account():
    from eth_account import Account

    account = signer.named(Account.from_key(KEY))
    assert account.address == ADDRESS
    assert KEY not in repr(account)


def test_from_a_keystore(tmp_path, monkeypatch):
    from eth_account import Account

    path = tmp_path / "key.json"
    path.write_text(json.dumps(Account.encrypt(KEY, "hunter2", kdf="pbkdf2", iterations=1000)))
    monkeypatch.delenv(signer.PASSWORD_VARIABLE, raising=False)
    with pytest.raises(EnvironmentFault):
        signer.named(path)
    monkeypatch.setenv(signer.PASSWORD_VARIABLE, "hunter2")
    assert signer.named(path).address == ADDRESS
    assert signer.named(str(path)).address == ADDRESS
    monkeypatch.setenv(signer.PASSWORD_VARIABLE, "hunter3")
    with pytest.raises(MalformedError) as caught:
        signer.named(path)
    assert "hunter3" not in "".join(traceback.format_exception(caught.value))
    path.write_text("{}")
    with pytest.raises(MalformedError):
        signer.named(path)


@pytest.mark.parametrize("text", [KEY, "0x" + KEY, KEY.upper(), "NO_SUCH_VARIABLE", "", 7, None])
def test_anything_else_is_refused_unquoted(text):
    with pytest.raises(UsageError) as caught:
        signer.named(text)
    assert KEY not in str(caught.value).lower()


@pytest.mark.parametrize("text", ["zebra", "00" * 32, KEY[:-2], KEY + "00", "ff" * 32])
def test_a_variable_without_a_key(monkeypatch, text):
    monkeypatch.setenv("SOME_KEY", text)
    with pytest.raises(UsageError) as caught:
        signer.named("SOME_KEY")
    assert text not in "".join(traceback.format_exception(caught.value))
