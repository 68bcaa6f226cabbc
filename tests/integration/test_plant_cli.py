"""The commands about a plant, as people and scripts meet them."""

from __future__ import annotations

import json

import pytest

from tests.plant_kit import default_text


@pytest.fixture
def plant_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(default_text().replace('"Linares"', '"Baeza"'), encoding="utf-8")
    return path


def test_a_sound_plant_is_told_in_a_line(choco, plant_file):
    done = choco("plant", "check", plant_file)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
    assert "Baeza" in done.stdout
    assert "23 batches a week" in done.stdout


@pytest.mark.parametrize("command", ["check", "show"])
def test_each_fault_has_a_line(choco, plant_file, command):
    text = plant_file.read_text(encoding="utf-8").replace("units = 2", "units = 0")
    plant_file.write_text(text.replace("margin_c = 3", "margin_c = 'x'"), encoding="utf-8")
    done = choco("plant", command, plant_file, expect=2)
    assert [line.split(" ")[0] for line in done.stderr.splitlines()] == ["blocks[1].units", "climate.margin_c"]
    assert done.stdout == ""


def test_a_file_that_is_not_there_is_named(choco, tmp_path):
    assert "none.toml cannot be read" in choco("plant", "check", tmp_path / "none.toml", expect=2).stderr
    assert "FILE" in choco("plant", "check", expect=2).stderr


def test_the_plant_that_is_shown_is_the_one_in_force(choco, plant_file):
    assert json.loads(choco("plant", "show", "--json").stdout)["name"] == "Linares"
    mine = choco("plant", "show", "--json", CHOCO_PLANT_FILE=str(plant_file)).stdout
    assert json.loads(mine)["name"] == "Baeza"
    assert json.loads(choco("plant", "show", plant_file, "--json").stdout) == json.loads(mine)


def test_people_see_machines_energies_shifts_and_limits(choco):
    told = choco("plant", "show").stdout
    for word in ("temperer", "287.6", "527.6", "T2", "22:00", "national holidays", "160 kW", "8.00 EUR/kg", "lighting"):
        assert word in told
    assert "…" not in told


def test_names_are_shown_as_they_stand_in_the_file(choco, plant_file):
    plant_file.write_text(default_text().replace('"T2"', '"[/late] [red]"'), encoding="utf-8")
    assert "[/late] [red]" in choco("plant", "show", plant_file).stdout


def test_a_faulty_plant_stops_the_start_with_the_name_of_its_setting(choco, plant_file):
    plant_file.write_text(default_text().replace("units = 2", "units = 0"), encoding="utf-8")
    done = choco("status", expect=2, CHOCO_PLANT_FILE=str(plant_file))
    assert "CHOCO_PLANT_FILE" in done.stderr
    assert "blocks[1].units" in done.stderr
