"""Private keys get in by three ways and out by none."""

from __future__ import annotations

import json
import traceback

import pytest

from verifai.chain import ExternalSigner, connect
from verifai.errors import MalformedError, PolicyError, SetupError, UsageError
from verifai.evm.transactions import signed, signer

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"


def test_from_the_environment(monkeypatch):
    for text in (KEY, "0x" + KEY, f" {KEY}\n"):
        monkeypatch.setenv("SOME_KEY", text)
        account = signer.signer_from("SOME_KEY")
        assert account.address == ADDRESS
        assert KEY not in repr(account)
        assert KEY not in str(account)
    with connect(signer="SOME_KEY") as chain:
        assert ADDRESS in repr(chain)
        assert KEY not in repr(chain)


def test_from_an_account():
    from eth_account import Account

    account = signer.signer_from(Account.from_key(KEY))
    assert account.address == ADDRESS
    assert KEY not in repr(account)


def test_from_a_keystore(tmp_path, monkeypatch):
    from eth_account import Account

    path = tmp_path / "key.json"
    path.write_text(json.dumps(Account.encrypt(KEY, "hunter2", kdf="pbkdf2", iterations=1000)))
    monkeypatch.delenv(signer.PASSWORD_VARIABLE, raising=False)
    with pytest.raises(SetupError):
        signer.signer_from(path)
    monkeypatch.setenv(signer.PASSWORD_VARIABLE, "hunter2")
    assert signer.signer_from(path).address == ADDRESS
    assert signer.signer_from(str(path)).address == ADDRESS
    monkeypatch.setenv(signer.PASSWORD_VARIABLE, "hunter3")
    with pytest.raises(MalformedError) as caught:
        signer.signer_from(path)
    assert "hunter3" not in "".join(traceback.format_exception(caught.value))
    path.write_text("{}")
    with pytest.raises(MalformedError):
        signer.signer_from(path)


@pytest.mark.parametrize("text", [KEY, "0x" + KEY, KEY.upper(), "NO_SUCH_VARIABLE", "", 7, None])
def test_anything_else_is_refused_unquoted(text):
    with pytest.raises(UsageError) as caught:
        signer.signer_from(text)
    assert KEY not in str(caught.value).lower()


@pytest.mark.parametrize("text", ["zebra", "00" * 32, KEY[:-2], KEY + "00", "ff" * 32])
def test_a_variable_without_a_key(monkeypatch, text):
    monkeypatch.setenv("SOME_KEY", text)
    with pytest.raises(UsageError) as caught:
        signer.signer_from("SOME_KEY")
    assert text not in "".join(traceback.format_exception(caught.value))


class Device:
    """A key that lives elsewhere, and what the device does to what it is asked."""

    address = ADDRESS

    def __init__(self, **changes: object) -> None:
        self._changes = changes

    def sign(self, transaction: dict) -> bytes:
        from eth_account import Account

        return bytes(
            Account.sign_transaction({**transaction, **self._changes}, KEY).raw_transaction
        )


def funded(**signer: object) -> object:
    """An embedded chain on which the device's account has ether."""
    chain = connect(**signer)
    web3 = chain.web3
    backend = web3.provider.ethereum_tester.backend
    backend.send_transaction(
        {"from": backend.get_accounts()[0], "to": bytes.fromhex(ADDRESS[2:]), "value": 10**18,
         "gas": 21_000, "max_fee_per_gas": 10**10, "max_priority_fee_per_gas": 1}
    )  # fmt: skip
    backend.mine_blocks()
    return chain


@pytest.mark.parametrize("wrap", [False, True])
def test_an_external_signer(wrap):
    device = Device()
    given = ExternalSigner(ADDRESS.lower(), device.sign) if wrap else device
    with funded(signer=given) as chain:
        mined = chain.connection.sender.send("0x" + "12" * 20, b"\x01", "test")
        assert mined["from"] == ADDRESS
        assert ADDRESS in repr(chain)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nonce", 5),
        ("value", 1),
        ("to", "0x" + "13" * 20),
        ("data", "0x02"),
        ("gas", 50_000),
        ("chainId", 1),
        ("maxFeePerGas", 10**12),
    ],
)
def test_a_signer_that_signs_something_else_is_caught(name, value):
    changes = {name: value, "from": ADDRESS}
    with funded(signer=Device(**changes)) as chain:
        with pytest.raises(MalformedError, match=f"another transaction than .*{name}"):
            chain.connection.sender.send("0x" + "12" * 20, b"\x01", "test")
        assert chain.unfinished() == ()
        assert chain.web3.eth.get_transaction_count(ADDRESS) == 0


def test_a_signer_with_another_key_is_caught():
    from eth_account import Account

    other = Account.create()
    sign = ExternalSigner(
        ADDRESS,
        lambda asked: bytes(
            other.sign_transaction({**asked, "from": other.address}).raw_transaction
        ),
    )
    with funded(signer=sign) as chain, pytest.raises(MalformedError, match=r"than .* from"):
        chain.connection.sender.send("0x" + "12" * 20, b"", "test")


def fails(error: Exception) -> object:
    def sign(_: dict) -> bytes:
        raise error

    return sign


@pytest.mark.parametrize(
    ("sign", "kind"),
    [
        (fails(RuntimeError(f"the key is {KEY}")), SetupError),
        (fails(PolicyError("not on Sundays")), PolicyError),
        (lambda _: None, SetupError),
        (lambda _: "0x" + KEY, SetupError),
        (lambda _: b"", MalformedError),
        (lambda _: b"\x02\x03", MalformedError),
        (lambda _: bytes(100), MalformedError),
    ],
)
def test_a_signer_that_fails(sign, kind):
    with funded(signer=ExternalSigner(ADDRESS, sign)) as chain:
        with pytest.raises(kind) as caught:
            chain.connection.sender.send("0x" + "12" * 20, b"", "test")
        assert KEY not in "".join(traceback.format_exception(caught.value))
        assert chain.unfinished() == ()


@pytest.mark.parametrize(
    "fees",
    [{"gasPrice": 7}, {"maxFeePerGas": 7, "maxPriorityFeePerGas": 3}],
    ids=["legacy", "1559"],
)
@pytest.mark.parametrize("to", [None, "0x" + "12" * 20])
def test_a_signed_transaction_is_read_back(fees, to):
    asked = {"from": ADDRESS, "chainId": 5, "nonce": 3, "gas": 9, "value": 1, "data": "0x0102"}
    asked |= fees | ({"to": to} if to else {})
    found = signed.checked(Device().sign(asked), asked)
    assert found.request() == asked
    assert found.sender == ADDRESS


def test_no_key_in_any_repr(monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    one = signer.signer_from("SOME_KEY")
    for shown in (one, ExternalSigner(ADDRESS, Device().sign), signer.NodeAccount(None, ADDRESS)):
        assert ADDRESS in repr(shown)
        assert KEY not in repr(shown) + str(shown)
    with connect(signer="SOME_KEY") as chain:
        delivery = chain.connection.sender._delivery
        assert KEY not in repr(delivery) + repr(delivery.outbox) + repr(
            chain.connection.sender.__dict__
        )
