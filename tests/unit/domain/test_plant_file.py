"""A plant file: the default is what it says, and every fault is named by its key."""

from __future__ import annotations

import pytest

from chocofactory.core.errors import PlantInvalid
from chocofactory.domain.plant import Shift
from chocofactory.domain.plant_file import parse_plant
from tests.plant_kit import default_plant, default_text


def changed(*changes: tuple[str, str]) -> str:
    """The default plant with the first occurrence of each text replaced."""
    text = default_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def faults(*changes: tuple[str, str]) -> tuple[str, ...]:
    with pytest.raises(PlantInvalid) as caught:
        parse_plant(changed(*changes), "mine.toml")
    assert "mine.toml" in str(caught.value)
    assert all(fault in str(caught.value) for fault in caught.value.faults)
    return caught.value.faults


NO_PREMIUM = (
    ("standard = 3, premium = 1", "standard = 3"),
    *[("standard = 2, premium = 2", "standard = 2")] * 2,
    ("standard = 4, premium = 1", "standard = 4"),
)
"""A week in which no premium is due, so that its times are free."""
VALUES = [
    ('name = "Linares"', 'name = ""', "name "),
    ('name = "Linares"', 'name = "Linares"\ncolour = "brown"', "colour is not known"),
    ("contracted_kw = 160", "contracted_kw = 0", "power.contracted_kw must be greater than 0, not 0"),
    ("contracted_kw = 160", "contracted_kw = nan", "power.contracted_kw must be a finite number"),
    ("contracted_kw = 160", 'contracted_kw = "160"', "power.contracted_kw must be a valid number, not '160'"),
    ("contracted_kw = 160", "", "power.contracted_kw is missing"),
    ("power_kw = 5", "power_kw = 0", "power.auxiliaries[0].power_kw must"),
    ('from = "06:00"', 'from = "6:00"', "power.auxiliaries[2].from must be a time as \"06:00\", not '6:00'"),
    ('from = "06:00"', "from = 06:00:00", "power.auxiliaries[2].from must be a time"),
    ('from = "06:00"', 'from = "06:60"', "power.auxiliaries[2].from must be a time"),
    ("mixer = { power_kw = 30 }", "mixer = { power_kw = -1 }", "machines.mixer.power_kw must"),
    ("batch_kg = 50", "batch_kg = 0", "products.standard.batch_kg must"),
    ("units = 1", "units = 0", "blocks[0].units must be greater than 0, not 0"),
    ("units = 1", "units = 1.0", "blocks[0].units must be a valid integer, not 1.0"),
    ("attended = true ", "attended = 1 ", "blocks[0].attended must be a valid boolean, not 1"),
    ("max_wait_min = 30", "max_wait_min = -1", "blocks[0].max_wait_min must"),
    ("premium = 600", "premium = 0", "blocks[1].stages[0].minutes.premium must be greater than 0, not 0"),
    ("premium = 600", "premium = 600.5", "blocks[1].stages[0].minutes.premium must be a valid integer"),
    ("premium = 600", "premium = 1_000_000", "blocks[1].stages[0].minutes.premium must be less than"),
    ("room_max_c = 32", 'room_max_c = "warm"', "blocks[1].room_max_c must be a valid number, not 'warm'"),
    ('"fri", "sat"]', '"fri", "caturday"]', "shifts[0].days[5] must be 'mon', 'tue'"),
    ('days = ["mon", "tue", "wed", "thu", "fri"]', "days = []", "shifts[1].days list should have at least 1"),
    ("closed_days = []", "closed_days = [2026-08-17, 20]", "calendar.closed_days[1] must be a valid date, not 20"),
    ("closed_days = []", 'closed_days = ["2026-08-17"]', "calendar.closed_days[0] must be a valid date"),
    ("national_holidays = true", "national_holidays = 'yes'", "calendar.national_holidays must"),
    ("mon = { standard = 4,", "mon = { standard = -4,", "targets.mon.standard must be greater than or equal to 0"),
    ("mon = { standard = 4,", "mon = { standard = 4.5,", "targets.mon.standard must be a valid integer"),
    ("mon = { standard", "lunes = { standard", "targets.lunes must be 'mon'"),
    ("hvac_humidity_max_pct = 60", "hvac_humidity_max_pct = 160", "climate.hvac_humidity_max_pct must"),
    ("margin_c = 3", "margin_c = -3", "climate.margin_c must"),
    ("labour = 8.00", "labour = -8", "costs_eur_kg.labour must"),
    ("[0.05, 1.0]", "[0.05, 1.1]", "scoring.price_eur_kwh[0][1] must be less than or equal to 1"),
    ("[0.05, 1.0]", "[0.05]", "scoring.price_eur_kwh[0][1] is missing"),
    ("price = 0.60", "price = -0.60", "scoring.weights.price must"),
    ("optimal_from = 75", "optimal_from = 175", "scoring.optimal_from must"),
    ('released_at = "14:00"', 'released_at = "2 pm"', "baseline.released_at must be a time"),
]
AGREEMENTS = [
    (
        'name = "conching"\nunits',
        'name = "preparation"\nunits',
        "blocks[1].name is 'preparation', and so is blocks[0].name",
    ),
    ('name = "rolling"', 'name = "mixing"', "blocks[0].stages[1].name is 'mixing'"),
    ('name = "T2"', 'name = "T1"', "shifts[1].name is 'T1'"),
    ('name = "hvac"', 'name = "cooling"', "power.auxiliaries[1].name is 'cooling'"),
    ('machine = "conche"', 'machine = "concha"', "blocks[1].stages[0].machine must be one of machines, not 'concha'"),
    (
        'machine = "roller"',
        'machine = "mixer"',
        "blocks[0].stages[1].machine is 'mixer', and so is blocks[0].stages[0]",
    ),
    ("mixer = {", "oven = { power_kw = 1 }\nmixer = {", "machines.oven is used by no stage"),
    (", premium = 600", "", "blocks[1].stages[0].minutes.premium is missing"),
    ("premium = 600", "premium = 600, dark = 5", "blocks[1].stages[0].minutes.dark is not one of products"),
    ("mon = { standard = 4,", "mon = { dark = 4,", "targets.mon.dark is not one of products"),
    ('until = "22:00"', 'until = "06:00"', "power.auxiliaries[2].until must be later than from"),
    ('name = "T1"\nfrom = "06:00"', 'name = "T1"\nfrom = "24:00"', "shifts[0].from must be before"),
    ("extra_cooling = true ", "max_wait_min = 5\nextra_cooling = true ", "blocks[2].max_wait_min has no meaning"),
    ("[0.10, 0.8]", "[0.05, 0.8]", "scoring.price_eur_kwh[1][0] must be above 0.05, the one before, not 0.05"),
    ("[18, 1.0]", "[11, 1.0]", "scoring.room_c[1][0] must be above 12"),
    ("[75, 0.0]", "[5, 0.0]", "scoring.room_pct[1][0] must be above 55"),
    ("humidity = 0.15", "humidity = 0.25", "scoring.weights must sum to 1, not 1.1"),
    ("moderate_from = 55", "moderate_from = 75", "scoring.moderate_from must be below optimal_from, 75, not 75"),
    ("reduced_from = 35", "reduced_from = 60", "scoring.reduced_from must be below moderate_from, 55, not 60"),
]
NEVER = [
    (
        "contracted_kw = 160",
        "contracted_kw = 18",
        "power.contracted_kw must exceed what auxiliaries draw, 18 kW at 06:00",
    ),
    (
        "contracted_kw = 160",
        "contracted_kw = 60",
        "power.contracted_kw must allow each block: a quarter-hour of blocks[1]",
    ),
    ("max_wait_min = 30", "max_wait_min = 5", "blocks[0].max_wait_min must be at least 6 (standard takes 24 minutes"),
    (
        "premium = 17",
        "premium = 954",
        "blocks[0] (preparation) is attended and takes 961 minutes of premium",
    ),
    ("room_max_c = 26", "room_max_c = 21", "blocks[2].room_max_c must be at least what HVAC holds"),
    ("mon = { standard = 4,", "mon = { standard = 80,", "targets need"),
]


def test_the_default_plant_is_what_the_file_says():
    plant = default_plant()
    assert [stage.power_kw for block in plant.blocks for stage in block.stages] == [30, 42, 48, 36, 24]
    assert [(block.units, block.max_wait_min, block.room_max_c) for block in plant.blocks] == [
        (1, 30, None),
        (2, 15, 32),
        (1, 0, 26),
    ]
    assert plant.shifts[1] == Shift("T2", 840, 1320, frozenset(range(5)))
    assert (plant.contracted_kw, plant.release_min, plant.scoring.room_pct) == (160, 840, ((55, 1), (75, 0)))


@pytest.mark.parametrize(("old", "new", "told"), [*VALUES, *AGREEMENTS])
def test_every_fault_is_named_by_its_key(old, new, told):
    assert any(fault.startswith(told) for fault in faults((old, new))), faults((old, new))


@pytest.mark.parametrize(("old", "new", "told"), NEVER)
def test_what_can_never_work_is_named_by_its_key(old, new, told):
    assert any(told in fault for fault in faults((old, new))), faults((old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("contracted_kw = 160", "contracted_kw = 61"),  # conching 48, and 13 at night
        ("max_wait_min = 30", "max_wait_min = 6"),
        ("room_max_c = 26", "room_max_c = 22"),
        ("mon = { standard = 4,", "mon = { standard = 42,"),  # 20100 of 20160 minutes of two conches
        ("humidity = 0.15", "humidity = 0.150000000000001"),
    ],
)
def test_what_just_works_passes(old, new):
    parse_plant(changed((old, new)), "x")


def test_one_batch_more_than_the_conches_have_minutes_is_too_many():
    (fault,) = faults(("mon = { standard = 4,", "mon = { standard = 43,"))
    assert fault == "targets need 20400 minutes a week of blocks[1] (conching), of which there are 20160 at most"


def test_attended_blocks_have_only_the_quarter_hours_that_somebody_is_there():
    conches = ("units = 2", "units = 10")
    parse_plant(changed(conches, ("mon = { standard = 4,", "mon = { standard = 51,")), "x")
    (fault,) = faults(
        conches, ("mon = { standard = 4,", "mon = { standard = 52,")
    )  # 71 of 75 minutes, in 5 x 960 + 480
    assert fault == "targets need 5325 minutes a week of blocks[2] (finishing), of which there are 5280 at most"


def test_attended_blocks_bear_what_auxiliaries_draw_while_somebody_is_there():
    weak = ("conche = { power_kw = 48 }", "conche = { power_kw = 30 }")
    parse_plant(changed(weak, ("contracted_kw = 160", "contracted_kw = 51.5")), "x")  # tempering 36, and 15 from 14:00
    told = faults(weak, ("contracted_kw = 160", "contracted_kw = 50"))
    assert not any("blocks[1]" in one for one in told)
    assert any("blocks[2] (finishing) of standard with auxiliaries needs 51 kW, not 50" in one for one in told)


def test_an_attended_block_may_fill_a_stretch_to_its_last_minute():
    parse_plant(changed(("premium = 17", "premium = 953"), *NO_PREMIUM), "x")


def test_a_shift_that_begins_off_the_quarter_hour_is_shorter_by_that():
    begin = ('name = "T1"\nfrom = "06:00"', 'name = "T1"\nfrom = "06:01"')
    (fault,) = faults(begin, ("premium = 17", "premium = 939"), *NO_PREMIUM)
    assert "takes 946 minutes" in fault
    assert "(945 minutes" in fault
    parse_plant(changed(begin, ("premium = 17", "premium = 938"), *NO_PREMIUM), "x")


def test_shifts_around_the_end_of_the_week_are_one_stretch():
    night = ('name = "T1"\nfrom = "06:00"\nuntil = "14:00"', 'name = "T1"\nfrom = "22:00"\nuntil = "06:00"')
    days = ('days = ["mon", "tue", "wed", "thu", "fri", "sat"]', 'days = ["sun"]')
    early = ('from = "14:00"\nuntil', 'from = "06:00"\nuntil')  # T2, 16 hours after the night of Sunday
    parse_plant(changed(night, days, early, ("premium = 17", "premium = 1433"), *NO_PREMIUM), "x")
    assert "(1440 minutes" in faults(night, days, early, ("premium = 17", "premium = 1434"), *NO_PREMIUM)[0]


def test_targets_need_a_working_day():
    head, *rest = default_text().split("[[shifts]]")
    nobody = "shifts = []\n" + head + "[calendar]" + rest[-1].split("[calendar]")[1]
    with pytest.raises(PlantInvalid) as caught:
        parse_plant(nobody.replace("attended = true", "attended = false"), "x")
    assert [fault.split(",")[0] for fault in caught.value.faults] == ["targets are due on working days"]
    with pytest.raises(PlantInvalid, match="attended and takes 24 minutes"):
        parse_plant(nobody, "x")


def test_all_faults_are_told_at_once():
    wrong = [(old, new) for old, new, _told in (VALUES[2], VALUES[12], VALUES[25], VALUES[-1])]
    assert [fault.split(" ")[0] for fault in faults(*wrong)] == [
        "power.contracted_kw",
        "blocks[0].units",
        "targets.mon.standard",
        "baseline.released_at",
    ]


def test_a_text_that_is_no_toml_is_told_with_its_line():
    with pytest.raises(PlantInvalid, match=r"mine.toml is not TOML: .*line 2"):
        parse_plant('name = "x"\nname 3\n', "mine.toml")


@pytest.mark.parametrize(
    ("start", "end", "expected"), [("22:00", "06:00", 1800), ("06:00", "06:00", 1800), ("06:00", "24:00", 1440)]
)
def test_a_shift_that_does_not_end_after_its_beginning_ends_on_the_next_day(start, end, expected):
    text = changed(('name = "T1"\nfrom = "06:00"\nuntil = "14:00"', f'name = "T1"\nfrom = "{start}"\nuntil = "{end}"'))
    assert parse_plant(text, "x").shifts[0].end == expected
