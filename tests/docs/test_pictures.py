"""The pictures are what the command makes of what was measured, and everyone can read them."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from benchmarks.pictures import FOLDER, MEASURED, PEOPLE, ROOMS, pictures, speed

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", ["route", "speed", "report"])
def test_a_picture_is_what_the_command_makes(name: str) -> None:
    committed = (FOLDER / f"{name}.svg").read_text()
    assert committed == pictures()[name], "python -m benchmarks.pictures"
    assert len(committed) < 30_000
    page = ElementTree.fromstring(committed)
    assert page.findtext(f"{SVG}title")
    assert page.findtext(f"{SVG}desc")
    style = page.findtext(f"{SVG}style") or ""
    assert "prefers-color-scheme: dark" in style
    tags = {found.tag.rpartition("}")[2] for found in page.iter()}
    assert not tags & {"script", "image", "link", "use", "iframe"}
    assert "url(" not in style.replace("url(#", "")
    assert "@import" not in style


def test_there_are_no_other_pictures() -> None:
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(pictures())


def test_the_route_names_people_and_rooms() -> None:
    text = "".join(ElementTree.fromstring(pictures()["route"]).itertext())
    for name in [*(room[0] for room in ROOMS), *(who[0] for who in PEOPLE)]:
        assert name in text


def test_speed_says_where_it_was_measured_and_where_native_loses() -> None:
    found = json.loads(MEASURED.read_text())
    text = pictures()["speed"]
    for said in (found["machine"]["processor"], found["machine"]["versions"]["ezkl"], "times more"):
        assert said in text


def test_the_readme_has_the_same_figures() -> None:
    readme = (FOLDER.parents[1] / "README.md").read_text()
    for row in json.loads(MEASURED.read_text())["rows"]:
        if row["model"] == "lenet":
            seconds, memory = row["prove_seconds"], row["peak_memory_mib"]
            told = [f"{row['proof_bytes']:,} bytes"]
            told += [f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.0f} s"]
            told += [f"{memory} MiB" if memory < 1024 else f"{memory / 1024:.1f} GiB"]
            assert all(f"| {one} " in readme for one in told), told


def test_bars_have_the_length_of_what_was_measured() -> None:
    found = json.loads(MEASURED.read_text())
    for row in found["rows"]:
        row["prove_seconds"] = 1.0 if row["backend"] == "native" else 4.0
    bars = list(ElementTree.fromstring(speed(found)).iter(f"{SVG}rect"))[1:3]
    ours, theirs = (float(bar.attrib["width"]) for bar in bars)
    assert theirs == pytest.approx(4 * ours, abs=0.1)
