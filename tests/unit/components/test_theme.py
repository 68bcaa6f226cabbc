"""The brand's colours, checked by formulas written again here, and the template every figure wears."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import plotly.io as pio
import pytest

from components import text, theme


def _rgb(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def _linear(colour: str) -> list[float]:
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(colour)]


def _oklab(colour: str) -> np.ndarray:
    """Ottosson's OKLab, matrices as published on 2020-12-23."""
    to_cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return to_lab @ np.cbrt(to_cones @ np.array(_linear(colour)))


def _contrast(one: str, other: str) -> float:
    dark, light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (_linear(one), _linear(other)))
    return (light + 0.05) / (dark + 0.05)


def _as_a_dichromat_sees(colour: str, kind: str) -> np.ndarray:
    """Full protanopia, deuteranopia or tritanopia after Machado, Oliveira and Fernandes (2009), linear RGB."""
    matrix = {
        "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    }[kind]
    return np.clip(np.array(matrix) @ np.array(_linear(colour)), 0, 1)


SCALES = pytest.mark.parametrize("scale", [theme.PRICE_COLOURS, theme.CLIMATE_COLOURS], ids=["prices", "climate"])


@SCALES
def test_a_scale_darkens_in_equal_steps_of_lightness(scale):
    steps = -np.diff([_oklab(colour)[0] for colour in scale])
    assert (steps > 0).all()
    assert steps.max() / steps.min() < 1.05


@SCALES
def test_neighbours_on_a_scale_are_equally_far_apart(scale):
    distances = [np.linalg.norm(_oklab(a) - _oklab(b)) for a, b in pairwise(scale)]
    assert max(distances) / min(distances) < 1.1


@SCALES
@pytest.mark.parametrize("kind", ["protan", "deutan", "tritan"])
def test_a_scale_stays_ordered_for_colour_blind_readers(kind, scale):
    seen = [float(_as_a_dichromat_sees(colour, kind) @ [0.2126, 0.7152, 0.0722]) for colour in scale]
    assert all(lighter > darker * 1.1 for lighter, darker in pairwise(seen))


@SCALES
@pytest.mark.parametrize("name", ["light", "dark"])
def test_no_value_vanishes_on_its_card(name, scale):
    card = _oklab(theme.PALETTES[name].card)
    nearest = min(float(np.linalg.norm(_oklab(colour) - card)) for colour in scale)
    assert nearest > 0.07  # as far as two neighbours of the scale are


LEVELS = list(theme.LEVEL_COLOURS.values())


@pytest.mark.parametrize("kind", ["protan", "deutan", "tritan"])
def test_classes_of_hours_stay_ordered_for_colour_blind_readers(kind):
    seen = [float(_as_a_dichromat_sees(colour, kind) @ [0.2126, 0.7152, 0.0722]) for colour in LEVELS]
    assert all(lighter > darker * 1.5 for lighter, darker in pairwise(seen))


def test_classes_of_hours_get_darker_and_take_a_number_that_is_readable():
    assert all(a - b > 0.08 for a, b in pairwise(_oklab(colour)[0] for colour in LEVELS))
    for colour in LEVELS:
        assert _contrast(theme.readable_on(colour), colour) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
def test_no_class_of_hours_vanishes_on_its_card(name):
    card = _oklab(theme.PALETTES[name].card)
    assert min(float(np.linalg.norm(_oklab(colour) - card)) for colour in LEVELS) > 0.07


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("words", ["ink", "muted", "accent", "cocoa"])
@pytest.mark.parametrize("ground", ["page", "card"])
def test_words_are_readable_on_every_surface(name, words, ground):
    palette = theme.PALETTES[name]
    assert _contrast(getattr(palette, words), getattr(palette, ground)) >= 4.5


def test_contrast_is_that_of_the_accessibility_guidelines():
    assert theme.contrast("#ffffff", "#000000") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(_contrast("#777777", "#ffffff"))


def test_names_of_tariff_periods_are_readable_on_their_colours():
    assert list(theme.PERIOD_COLOURS) == ["P1", "P2", "P3", "P4", "P5", "P6"]
    for colour in theme.PERIOD_COLOURS.values():
        assert _contrast(theme.readable_on(colour), colour) >= 4.5


def test_dearer_tariff_periods_are_darker():
    lightness = [_oklab(colour)[0] for colour in theme.PERIOD_COLOURS.values()]
    assert all(b - a > 0.04 for a, b in pairwise(lightness))


@pytest.mark.parametrize("name", ["light", "dark"])
def test_each_theme_has_its_own_template_without_plotlys_blue(name):
    template = pio.templates[theme.template_name(name)]
    assert template.layout.paper_bgcolor == "rgba(0, 0, 0, 0)"
    assert template.layout.font.color == theme.PALETTES[name].ink
    assert not {"#636efa", "#1f77b4"} & {colour.lower() for colour in template.layout.colorway}


@pytest.mark.parametrize(("tongue", "marks"), [("es", ",."), ("en", ".,")])
def test_figures_write_numbers_as_the_language_does(tongue, marks):
    with text.speaking(tongue):
        figure = theme.draw([], {}, "light", title="x")
    assert figure.layout.separators == marks


def test_one_spike_does_not_flatten_the_scale():
    prices = [0.1 + place / 10000 for place in range(1000)] + [9.0]
    low, high = theme.price_range(prices)
    assert 0.1 <= low < 0.103
    assert 0.19 < high < 0.25


def test_a_scale_has_width_even_for_equal_prices_and_for_none():
    for prices in ([0.1, 0.1], [math.nan], []):
        low, high = theme.price_range(prices)
        assert low < high


def test_ends_that_stand_for_more_say_so():
    with text.speaking("en"):
        bar = theme.price_axis(0.1, 0.2, [0.05, 0.15, 0.3])["colorbar"]
        exact = theme.price_axis(0.1, 0.2, [0.1, 0.2, math.nan])["colorbar"]
    assert bar["ticktext"] == ["≤ 0.100", "0.125", "0.150", "0.175", "≥ 0.200"]
    assert exact["ticktext"] == ["0.100", "0.125", "0.150", "0.175", "0.200"]


def test_no_graph_offers_to_send_its_data_away():
    config = theme.graph_config("prices")
    assert config["showSendToCloud"] is False
    assert config["displaylogo"] is False
    assert config["toImageButtonOptions"]["filename"] == "prices"
