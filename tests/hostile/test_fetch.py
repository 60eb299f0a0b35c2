"""``verifai srs fetch``: ceremonies made for the tests, and servers and disks that fail."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verifai
from tests.hostile.ceremonies import (
    NO_ADDRESS,
    Heard,
    files,
    plain,
    prepared,
    published,
)
from tests.hostile.file_server import FileServer, serving
from tests.hostile.route import command
from tests.hostile.strings import TAU
from tests.hostile.test_known_tau import tau_g2
from tests.waiting import until
from verifai.circuit import download, pace
from verifai.circuit.ceremony import fetch, kept
from verifai.circuit.ceremony_files import SOURCES, CeremonyFile, Source
from verifai.errors import (
    LimitError,
    MalformedError,
    NetworkError,
    SetupError,
    UsageError,
)
from verifai.limits import MAX_POINTS_LOG2, Bound
from verifai.proof.reference_string import CEREMONIES, Ceremony, g2_bytes

LOG2 = 3


GOOD = prepared(LOG2)


@pytest.fixture(autouse=True)
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two ceremonies in the tables that the code reads, and a data folder of the test's own."""
    monkeypatch.setenv("VERIFAI_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(download, "TIMEOUT", 5)
    pinned = Ceremony("made for tests", tau_g2(TAU))
    monkeypatch.setitem(CEREMONIES, "made", pinned)
    monkeypatch.setitem(SOURCES, "made", Source({LOG2: published(GOOD)}))
    return tmp_path / "home" / "srs"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(GOOD) as found:
        yield found


def test_a_ceremony_is_fetched_checked_cut_and_kept(server: FileServer, made: Path) -> None:
    heard = Heard()
    srs = fetch("made", 2, url=server.url, progress=heard)
    assert (srs.kind, srs.ceremony, srs.log2, srs.format) == ("ceremony", "made", 2, "points")
    assert files(made) == {"made-2.points"}
    data = (made / "made-2.points").read_bytes()
    assert data == plain(2) + g2_bytes(*tau_g2(TAU))
    assert any("100 %" in stage for stage in heard.stages)
    assert server.asked == [f"bytes=0-{len(GOOD) - 1}"]
    assert kept("made", 1).id == srs.id  # more powers than asked for
    fetch("made", 2, url=server.url)
    assert len(server.asked) == 1  # once
    with pytest.raises(SetupError, match="not in") as caught:
        kept("made", 3)
    assert caught.value.hint is not None
    assert "verifai srs fetch made --log2 3" in caught.value.hint


def test_the_file_is_kept_when_asked_for(server: FileServer, made: Path) -> None:
    fetch("made", 2, url=server.url, keep=True)
    assert files(made) == {"made-2.points", "made.ptau"}
    fetch("made", 3, url=server.url)  # cut from it, without the network
    assert len(server.asked) == 1
    assert "made-3.points" in files(made)


def test_a_broken_connection_is_continued(server: FileServer, made: Path) -> None:
    server.cuts = [1000, 20_000]
    fetch("made", LOG2, url=server.url)
    last = len(GOOD) - 1
    assert server.asked == [f"bytes=0-{last}", f"bytes=1000-{last}", f"bytes=21000-{last}"]
    assert files(made) == {"made-3.points"}


def test_a_server_that_keeps_breaking_leaves_what_came(server: FileServer, made: Path) -> None:
    server.cuts = [1000, 0, 0, 0]
    with pytest.raises(NetworkError, match="1,000 of") as caught:
        fetch("made", LOG2, url=server.url)
    assert caught.value.exit_code == 7
    assert "--file PATH" in (caught.value.hint or "")
    assert files(made) == {"made.ptau.part"}
    fetch("made", LOG2, url=server.url)
    assert server.asked[-1] == f"bytes=1000-{len(GOOD) - 1}"
    assert files(made) == {"made-3.points"}


def test_a_server_without_ranges_begins_again(server: FileServer, made: Path) -> None:
    server.ranges = False
    server.cuts = [1000]
    fetch("made", LOG2, url=server.url)
    assert len(server.asked) == 2
    assert files(made) == {"made-3.points"}


def test_a_server_that_is_silent(
    server: FileServer, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.05)
    server.cuts = [0] * download.ATTEMPTS
    server.pause = threading.Event()
    with pytest.raises(NetworkError, match="timed out"):
        fetch("made", LOG2, url=server.url)


def test_nobody_listens(made: Path) -> None:
    with serving(b"") as server:
        gone = server.url
    with pytest.raises(NetworkError, match=r"after 0 of .*refused"):
        fetch("made", LOG2, url=gone)
    assert not any(name.endswith(".points") for name in files(made))


STATUS = {403: "Forbidden", 404: "Not Found", 500: "Internal", 503: "Unavailable"}


@pytest.mark.parametrize("status", STATUS)
def test_a_status_is_shown(status: int, server: FileServer, made: Path) -> None:
    server.status = status
    with pytest.raises(NetworkError, match=str(status)):
        fetch("made", LOG2, url=server.url)
    assert len(server.asked) == 1


#: What a server may send in place of the ceremony's file.
OTHERS = {
    "one bit": GOOD[:5000] + bytes([GOOD[5000] ^ 1]) + GOOD[5001:],
    "one bit in what nobody reads": GOOD[:-1] + b"\1",
    "powers of another tau": prepared(LOG2, TAU + 1),
    "tau = 1": prepared(LOG2, 1),
    "no .ptau file": bytes(len(GOOD)),
    "an error page": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "a byte less": GOOD[:-1],
    "a byte more": GOOD + b"\0",
    "nothing": b"",
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("ranges", [True, False])
def test_another_file_is_never_used(name: str, ranges: bool, made: Path) -> None:
    with serving(OTHERS[name]) as server:
        server.ranges = ranges
        with pytest.raises((MalformedError, NetworkError)):
            fetch("made", LOG2, url=server.url)
    assert files(made) <= {"made.ptau.part"}
    with serving(GOOD) as server:  # what is left over spoils nothing
        assert fetch("made", LOG2, url=server.url).ceremony == "made"
    assert files(made) == {"made-3.points"}


def test_a_resumed_file_that_was_damaged_in_between(server: FileServer, made: Path) -> None:
    server.cuts = [1000, 0, 0, 0]
    with pytest.raises(NetworkError):
        fetch("made", LOG2, url=server.url)
    part = made / "made.ptau.part"
    part.write_bytes(bytes(len(part.read_bytes())))
    with pytest.raises(MalformedError, match="BLAKE2b"):
        fetch("made", LOG2, url=server.url)
    assert files(made) == set()
    fetch("made", LOG2, url=server.url)


def test_a_part_longer_than_the_file(server: FileServer, made: Path) -> None:
    made.mkdir(parents=True)
    (made / "made.ptau.part").write_bytes(GOOD + b"rest")
    fetch("made", LOG2, url=server.url)
    assert server.asked == []
    assert files(made) == {"made-3.points"}


def test_a_server_that_sends_another_part(server: FileServer, made: Path) -> None:
    server.skew = 1
    with pytest.raises(NetworkError, match="another part"):
        fetch("made", LOG2, url=server.url)
    assert (made / "made.ptau.part").stat().st_size == 0


def test_redirections(server: FileServer, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(b"") as before:
        before.location = server.url
        assert fetch("made", LOG2, url=before.url).ceremony == "made"
        (made / "made-3.points").unlink()
        before.location = "file:///etc/hostname"
        with pytest.raises(NetworkError):
            fetch("made", LOG2, url=before.url)
    handler = download._Redirections()
    request = download.urllib.request.Request("https://ceremony.invalid/a")
    for to in ("http://ceremony.invalid/a", "ftp://ceremony.invalid/a", "file:///etc/hostname"):
        with pytest.raises(NetworkError, match="not https"):
            handler.redirect_request(request, None, 302, "", None, to)  # type: ignore[arg-type]


@pytest.mark.parametrize(  # without a host, it is read as relative to the address before
    "to", sorted(set(NO_ADDRESS) - {"http://", "http:///x"}), ids=lambda to: to[:24]
)
@pytest.mark.parametrize("status", [301, 307])
def test_a_redirection_to_no_address(to: str, status: int, server: FileServer, made: Path) -> None:
    server.location, server.status = to, status
    with pytest.raises(NetworkError, match="which is no web address") as caught:
        fetch("made", LOG2, url=server.url)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 600
    assert len(server.asked) == 1


#: Answers whose numbers are none, with what is said of them.
NUMBERS = {
    "a length of 5,000 digits": (b"200 OK\r\nContent-Length: " + b"9" * 5000, "The server says"),
    "a negative length": (b"200 OK\r\nContent-Length: -5", "The server says"),
    "a superscript length": (b"200 OK\r\nContent-Length: \xb2", "The server says"),
    "a total of 5,000 digits": (
        b"206 P\r\nContent-Range: bytes 0-5/" + b"9" * 5000,
        "another part",
    ),
    "an end of 5,000 digits": (
        b"206 P\r\nContent-Range: bytes 0-" + b"9" * 5000 + b"/9",
        "another part",
    ),
    "a beginning of 5,000 digits": (
        b"206 P\r\nContent-Range: bytes " + b"0" * 5000 + b"-5/9",
        "another part",
    ),
    "a status of 5,000 digits": (b"9" * 5000 + b" OK", "broke off"),
    "a chunk of 5,000 digits": (
        b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"z" * 5000,
        "broke off",
    ),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_an_answer_with_a_number_that_is_none(name: str, server: FileServer, made: Path) -> None:
    answer, said = NUMBERS[name]
    server.raw = b"HTTP/1.1 " + answer + b"\r\n\r\nabc"
    with pytest.raises(NetworkError, match=said) as caught:
        fetch("made", LOG2, url=server.url)
    assert len(caught.value.message) < 600


@pytest.mark.parametrize(
    "answer",
    [
        "404 \x1b[31mRED",
        "404 \u202e".encode().decode("latin-1"),
        "404 " + "x" * 9000,
        "\x1b[31m",
        "302 F\r\nLocation: http://\x1b[31m/",
    ],
    ids=["escape", "bytes", "long", "no status", "redirection"],
)
def test_a_servers_words_are_shown_safely(answer: str, server: FileServer, made: Path) -> None:
    server.raw = f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
    with pytest.raises(NetworkError) as caught:
        fetch("made", LOG2, url=server.url)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 600


def test_a_server_that_gives_a_byte_more_each_time(
    server: FileServer, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_FETCH_CONNECTIONS", Bound("MAX_FETCH_CONNECTIONS", 10))
    for server.ranges in (False, True):
        server.asked.clear()
        server.cuts = list(range(1, 30)) if not server.ranges else [1] * 30
        with pytest.raises(NetworkError, match="MAX_FETCH_CONNECTIONS"):
            fetch("made", LOG2, url=server.url)
        assert len(server.asked) == 10


def test_restarts_that_come_no_further_are_failures(server: FileServer, made: Path) -> None:
    server.ranges = False
    server.cuts = [1000, 10, 999, 1000, 10]
    with pytest.raises(NetworkError, match="1,000 of"):
        fetch("made", LOG2, url=server.url)
    assert len(server.asked) == 4


#: Where a server may hang while it sends a byte now and then.
DRIPS = {
    "the file": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "a header": (b"HTTP/1.1 200 OK\r\nA: ", b"x"),
    "the status": (b"HTTP/1.1 200 O", b"K"),
    "answers before the answer": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a chunk's length": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
}


def windows(
    monkeypatch: pytest.MonkeyPatch, count: Callable[[pace.Pace], int], length: int
) -> None:
    """Windows end when so much more was counted, and not by the clock."""

    class Counted(pace.Pace):
        def _passed(self) -> bool:
            end = count(self) + length
            while not self._over.wait(0.001):
                if count(self) >= end:
                    return True
            return False

    monkeypatch.setattr(download, "Pace", Counted)


@pytest.mark.parametrize("name", DRIPS)
def test_a_server_that_hardly_advances(
    name: str, server: FileServer, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows(monkeypatch, lambda _: server.dripped, 5)
    server.raw, server.drip = DRIPS[name]
    with pytest.raises(NetworkError, match="less than MIN_FETCH_RATE"):
        fetch("made", LOG2, url=server.url)
    assert len(server.asked) == 1


def test_a_redirections_endless_body_is_not_read(
    server: FileServer, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(b"") as before:
        before.raw = f"HTTP/1.1 302 Found\r\nLocation: {server.url}\r\n\r\n".encode()
        before.drip = b"x"
        assert fetch("made", LOG2, url=before.url).ceremony == "made"


def test_a_slow_server_that_advances_is_waited_for(
    server: FileServer, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "FETCH_WINDOW", 2)
    least = 2 * int(pace.MIN_FETCH_RATE)
    assert len(GOOD) > 3 * least
    windows(monkeypatch, lambda one: one.received, least)
    server.raw, server.drip = b"HTTP/1.1 200 OK\r\n\r\n", bytes(2000)
    with pytest.raises(MalformedError, match="BLAKE2b"):
        fetch("made", LOG2, url=server.url)


def test_a_full_disk(server: FileServer, made: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(SetupError, match="Cannot write") as caught:
            fetch("made", LOG2, url=server.url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "Make room" in (caught.value.hint or "")
    assert not any(name.endswith(".points") for name in files(made))
    fetch("made", LOG2, url=server.url)
    assert server.asked[-1] != server.asked[0]  # went on


def test_room_is_asked_for_before(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, made: Path
) -> None:
    monkeypatch.setitem(
        SOURCES, "made", Source({LOG2: CeremonyFile("big.ptau", server.url, 1 << 60, blake2b="")})
    )
    with pytest.raises(SetupError, match="are free"):
        fetch("made", LOG2, url=server.url)
    assert server.asked == []


CHILD = """
    import sys
    from verifai.circuit.ceremony import fetch
    from verifai.circuit.ceremony_files import SOURCES, CeremonyFile, Source
    from verifai.proof.reference_string import CEREMONIES, Ceremony
    CEREMONIES["made"] = Ceremony("made for tests", {tau})
    SOURCES["made"] = Source({{3: CeremonyFile("made.ptau", "", {size}, blake2b="{blake2b}")}})
    print(fetch("made", 3, url=sys.argv[1]).ceremony)
"""


def child(url: str) -> subprocess.Popen[str]:
    file = published(GOOD)
    script = CHILD.format(tau=tau_g2(TAU), size=file.size, blake2b=file.blake2b)
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), url],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
    )


def test_a_killed_process_is_continued(server: FileServer, made: Path) -> None:
    server.cuts = [20_000]
    server.pause = threading.Event()
    process = child(server.url)
    assert server.pause.wait(30)
    part = made / "made.ptau.part"
    until(lambda: part.exists() and part.stat().st_size == 20_000)
    process.kill()
    process.wait(30)
    assert files(made) == {"made.ptau.part"}
    server.pause = None
    assert fetch("made", LOG2, url=server.url).ceremony == "made"
    assert server.asked[-1] == f"bytes=20000-{len(GOOD) - 1}"


def test_processes_and_threads_fetch_at_once(server: FileServer, made: Path) -> None:
    processes = [child(server.url) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: fetch("made", LOG2, url=server.url).ceremony, range(2)))
    found += [process.communicate(timeout=60)[0].strip() for process in processes]
    assert found == ["made"] * 4
    assert len(server.asked) == 1
    assert files(made) == {"made-3.points"}


def test_a_file_that_was_brought_by_hand(tmp_path: Path, made: Path) -> None:
    path = tmp_path / "brought"
    path.write_bytes(GOOD)
    assert fetch("made", 2, file=path).log2 == 2
    assert path.exists()
    path.write_bytes(OTHERS["one bit in what nobody reads"])
    with pytest.raises(MalformedError, match="none of the ceremony's published files"):
        fetch("made", 3, file=path)
    assert path.exists()
    with pytest.raises(MalformedError, match="No such file"):
        fetch("made", 3, file=tmp_path / "missing")


def test_plain_points_are_checked_against_the_pinned_tau(
    tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ignition's: no digest of a part, and any wrong point is found."""
    good = plain(4)
    swapped = good[:64] + good[128:192] + good[64:128] + good[192:]
    for data in (swapped, plain(4, TAU + 1), plain(4, 1), bytes(len(good)), b"\xff" * len(good)):
        with serving(data) as server:
            monkeypatch.setitem(SOURCES, "made", Source({}, server.url))
            with pytest.raises(MalformedError, match="not the ceremony's"):
                fetch("made", 2)
        assert files(made) == set()
    for ranges in (True, False):
        with serving(good) as server:
            server.ranges = ranges
            monkeypatch.setitem(SOURCES, "made", Source({}, server.url))
            assert fetch("made", 2 + ranges).ceremony == "made"
            assert server.asked == [f"bytes=0-{(64 << 2 + ranges) - 1}"]
        assert files(made) == {f"made-{2 + ranges}.points"}
        (made / f"made-{2 + ranges}.points").unlink()
    with serving(good[:200]) as server:
        monkeypatch.setitem(SOURCES, "made", Source({}, server.url))
        with pytest.raises(MalformedError, match="it is another file"):
            fetch("made", 2)
    (tmp_path / "g1.dat").write_bytes(good)
    assert fetch("made", 3, file=tmp_path / "g1.dat").log2 == 3
    with serving(good) as server:  # a smaller beginning that was kept is not taken for this one
        monkeypatch.setitem(SOURCES, "made", Source({}, server.url))
        (made / "made-3.points").unlink()
        assert fetch("made", 2, keep=True).log2 == 2
        assert fetch("made", 4, keep=True).log2 == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:64] + data[128:192] + data[64:128] + data[192:],
        lambda data: data[:-128] + g2_bytes(*tau_g2(TAU + 1)),
        lambda data: plain(LOG2, TAU + 1) + g2_bytes(*tau_g2(TAU + 1)),
        lambda data: plain(LOG2, 1) + g2_bytes(*tau_g2(1)),
        lambda data: b"",
    ],
)
def test_a_kept_file_is_checked_again(damage: Any, server: FileServer, made: Path) -> None:
    fetch("made", LOG2, url=server.url)
    path = made / "made-3.points"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(MalformedError):
        kept("made", LOG2)


def test_wrong_requests(made: Path) -> None:
    with pytest.raises(UsageError, match="No public ceremony"):
        fetch("nobody's", 3)
    with pytest.raises(UsageError, match="No public ceremony"):
        kept("nobody's", 3)
    for log2 in (0, -1, MAX_POINTS_LOG2 + 1):
        with pytest.raises(LimitError):
            fetch("made", log2)
    with pytest.raises(LimitError, match="no file with"):
        fetch("made", LOG2 + 1)


def test_the_published_table() -> None:
    """Digests are BLAKE2b-512, addresses https, sizes those of the format."""
    assert set(SOURCES) - {"made"} == set(CEREMONIES) - {"made"} == {"aztec-ignition", "ppot"}
    for log2 in range(1, MAX_POINTS_LOG2 + 1):
        file = SOURCES["ppot"].file(log2)
        assert file is not None
        assert file.url.startswith("https://")
        assert file.blake2b is not None
        assert len(bytes.fromhex(file.blake2b)) == 64
        assert file.name == f"powersOfTau28_hez_final_{max(log2, 8):02}.ptau"
        points = SOURCES["aztec-ignition"].file(log2)
        assert points is not None
        assert (points.size, points.whole) == (64 << log2, False)
    assert len({file.blake2b for file in SOURCES["ppot"].ptau.values()}) == 13
    assert SOURCES["ppot"].ptau[9].size == 672_920  # measured


def test_setup_under_a_ceremony_end_to_end(
    folder: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fetched by the command, named by every word that is said about the proof."""
    data = prepared(7)
    monkeypatch.setitem(SOURCES, "made", Source({7: published(data)}))
    code, value = command("setup circuit.vfc --srs made --pk a.vfp --vk a.vfk", folder)
    assert (code, value["error"]) == (6, "SetupError")
    assert "verifai srs fetch made --log2 7" in value["hint"]
    with serving(data) as server:
        words = f"srs fetch made --circuit circuit.vfc --from {server.url}"
        code, value = command(words, folder)
    assert (code, value["ceremony"], value["log2"]) == (0, "made", 7), value
    code, value = command("setup circuit.vfc --srs made --pk a.vfp --vk a.vfk", folder)
    assert (code, value["srs"]) == (0, "ceremony made"), value
    assert command("prove a.vfp --input input.json --out a.vfb", folder)[0] == 0
    code, value = command("verify a.vfb --key a.vfk", folder)
    assert code == 0
    assert value["statement"]["guarantees"]["ceremony"] == "made"
    pk, vk = verifai.setup(verifai.Circuit.load(folder / "circuit.vfc"), srs="made")
    statement = verifai.verify(
        verifai.Proof.load(folder / "a.vfb"), verifai.VerifyingKey.load(folder / "a.vfk")
    )
    assert vk.guarantees == statement.guarantees
    assert vk.guarantees.srs == "ceremony"
    assert "srs=ceremony made" in repr(statement)
    assert any("ceremony made (made for tests)" in line for line in statement.sentences())
    assert "ceremony made" in repr(vk)
    verifai.verify(verifai.prove(pk, [[0.1, 0.2, 0.3, 0.4]]), vk)


def test_setup_without_a_string_says_so(folder: Path) -> None:
    heard = Heard()
    _, vk = verifai.setup(verifai.Circuit.load(folder / "circuit.vfc"), progress=heard)
    assert any("DEVELOPMENT" in stage and "verifai srs fetch" in stage for stage in heard.stages)
    assert "development string" in repr(vk)
    code, value = command("setup circuit.vfc --pk b.vfp --vk b.vfk", folder)
    assert code == 0
    assert value["srs"] == "development"
    assert value["next"] == "verifai srs fetch aztec-ignition --circuit circuit.vfc"


def test_setup_refuses_unknown_names(folder: Path) -> None:
    circuit = verifai.Circuit.load(folder / "circuit.vfc")
    with pytest.raises(UsageError, match="No public ceremony"):
        verifai.setup(circuit, srs="nobody's")


def test_an_opening_under_a_fetched_ceremony_needs_no_file(
    folder: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = prepared(7)
    monkeypatch.setitem(SOURCES, "made", Source({7: published(data)}))
    (tmp_path / "brought").write_bytes(data)
    srs = fetch("made", 7, file=tmp_path / "brought")
    circuit = verifai.compile(
        verifai.load(folder / "model.onnx"),
        np.load(folder / "data.npy"),
        visibility=verifai.Visibility(input="committed"),
        options=verifai.NativeOptions(log_columns=7),
    )
    _, vk = verifai.setup(circuit, srs="made")
    (opening,) = verifai.commit(vk, np.load(folder / "data.npy")[0]).values()
    assert verifai.commitment(opening) == verifai.commitment(opening, srs=srs)
    (made / "made-7.points").unlink()
    with pytest.raises(SetupError) as caught:
        verifai.commitment(opening)
    assert "verifai srs fetch made" in (caught.value.hint or "")
