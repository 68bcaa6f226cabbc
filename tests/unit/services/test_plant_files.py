"""Plant files on disk, and what a wrong one means for the start."""

from __future__ import annotations

import pytest

from chocofactory.bootstrap import build
from chocofactory.core.config import load_settings
from chocofactory.core.errors import ConfigurationError, PlantInvalid
from chocofactory.services.plant_files import clock_face, load_plant, plant_record
from tests.plant_kit import default_plant, default_text


def test_without_a_file_the_plant_is_the_default_one():
    assert load_plant(None) == default_plant()


def test_a_copy_of_the_default_plant_is_the_default_plant(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(default_text(), encoding="utf-8")
    assert load_plant(path) == default_plant()


@pytest.mark.parametrize(("content", "told"), [(None, "No such file"), (b"name = '\xff'", "not UTF-8")])
def test_a_file_that_cannot_be_read_is_told(tmp_path, content, told):
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PlantInvalid, match=f"mine.toml cannot be read: .*{told}"):
        load_plant(path)


def test_the_start_takes_the_plant_of_the_settings_and_names_them_when_it_is_wrong(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(default_text().replace('"Linares"', '"Baeza"'), encoding="utf-8")
    settings = load_settings(data_dir=tmp_path / "var", plant_file=path)
    built = build(settings)
    built.close()
    assert built.plant.name == "Baeza"
    path.write_text(default_text().replace("contracted_kw = 160", "contracted_kw = 0"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"CHOCO_PLANT_FILE: .*mine\.toml.*power\.contracted_kw must"):
        build(settings)


def test_the_record_says_what_the_plant_is():
    told = plant_record(default_plant())
    assert [each["batch_kwh"] for each in told["products"]] == [287.6, 527.6]
    assert told["blocks"][0]["stages"][1]["batch_kwh"] == {"standard": 11.9, "premium": 11.9}
    assert told["targets"]["fri"] == {"standard": 4, "premium": 1}
    assert told["shifts"][1] == {
        "name": "T2",
        "from": "14:00",
        "until": "22:00",
        "days": ["mon", "tue", "wed", "thu", "fri"],
    }


@pytest.mark.parametrize(("minute", "face"), [(0, "00:00"), (366, "06:06"), (1440, "24:00"), (1800, "06:00")])
def test_minutes_are_told_as_in_the_file(minute, face):
    assert clock_face(minute) == face
