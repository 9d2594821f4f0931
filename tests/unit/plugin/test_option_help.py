"""The settings' names, which pytest registers, and the configuration, which reads their values."""

import dataclasses
import re

import pytest

from pytest_lambda_esm import Config, ConfigurationError
from pytest_lambda_esm.plugin.option_help import ALLOWED, LISTS, OPTIONS, SETTINGS, help_of


def test_pytest_is_told_of_every_setting_in_its_order():
    assert list(SETTINGS) == [field.name for field in dataclasses.fields(Config)]


def test_options_and_lists_are_settings():
    assert {*OPTIONS, *LISTS} <= set(SETTINGS)


def test_the_help_of_each_setting_says_which_values_are_allowed():
    assert list(ALLOWED) == list(SETTINGS)
    assert help_of("advice").endswith(". Allowed: warn, error or off")


CHOICES = [
    (name, re.findall(r"`([\w-]+)`", allowed))
    for name, allowed in ALLOWED.items()
    if re.fullmatch(r"(`[\w-]+`(, | or )?)+", allowed)
]


@pytest.mark.parametrize(("name", "choices"), CHOICES, ids=[name for name, _ in CHOICES])
def test_the_choices_in_the_help_are_those_that_the_configuration_accepts(name, choices):
    for choice in choices:
        Config().with_changes("help", {name: choice})
    with pytest.raises(ConfigurationError) as refused:
        Config().with_changes("help", {name: "lamp"})
    listed = re.findall(r"'([\w-]+)'", str(refused.value).partition("expected")[2])
    assert listed == choices or choices == ["true", "false"]


RANGES = {
    "seconds from 0, or": (0, -1),
    "seconds from 0.001, or": (0.001, 0.0009),
    "a whole number from 0": (0, -1),
    "a whole number from 1": (1, 0),
    "1 to 10": (10, 11),
}


def test_the_ranges_in_the_help_are_those_that_the_configuration_accepts():
    checked = {}
    for name, allowed in ALLOWED.items():
        for text, (accepted, refused) in RANGES.items():
            if allowed.startswith(text):
                checked[text] = name
                Config().with_changes("help", {name: accepted})
                with pytest.raises(ConfigurationError):
                    Config().with_changes("help", {name: refused})
    assert set(checked) == set(RANGES)


def test_pytest_help_shows_the_allowed_values(pytester):
    shown = " ".join(pytester.runpytest("--help").stdout.str().split())
    assert "warn, fail, or nothing. Allowed: warn, error or off" in shown
