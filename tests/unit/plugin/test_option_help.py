"""The settings' names, which pytest registers, and the configuration, which reads their values."""

import dataclasses

from pytest_lambda_esm import Config
from pytest_lambda_esm.plugin.option_help import LISTS, OPTIONS, SETTINGS


def test_pytest_is_told_of_every_setting_in_its_order():
    assert list(SETTINGS) == [field.name for field in dataclasses.fields(Config)]


def test_options_and_lists_are_settings():
    assert {*OPTIONS, *LISTS} <= set(SETTINGS)
