from datetime import datetime, timedelta, timezone

import pytest

from pytest_lambda_esm import Config, ConfigurationError, FakeLambda, TransitionTimes
from pytest_lambda_esm.config import instant_of, microseconds, moment_of


def test_the_later_layer_wins():
    config = Config.from_layers([("ini", {"seed": 1, "region": "eu-west-1"}), ("marker", {"seed": 2})])
    assert (config.seed, config.region) == (2, "eu-west-1")


def test_only_what_differs_from_the_defaults_is_a_change():
    assert Config().changes() == {}
    assert Config(seed=4).changes() == {"seed": 4}


@pytest.mark.parametrize(
    "start",
    [
        "2030-01-02T03:04:05Z",
        "2030-01-02T03:04:05",
        "2030-01-02T04:04:05+01:00",
        datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    ],
)
def test_a_start_is_an_aware_datetime_or_a_text(start):
    config = Config.from_layers([("here", {"start": start})])
    assert config.start == datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


WRONG = [
    ({"start": datetime(2030, 1, 1)}, "has no time zone"),
    ({"start": 5}, "aware datetime or an ISO 8601 text"),
    ({"seed": 1.5}, "whole number"),
    ({"loop_depth": 0}, "whole number from 1"),
    ({"maximum_filters": 11}, "10 is the most"),
    ({"region": ""}, "name of a region"),
    ({"limits": "2019"}, "is needed"),
    ({"transitions": 5}, "a mapping is needed"),
    ({"transitions": {"creating": -1}}, "takes a number of seconds"),
    ({"transitions": TransitionTimes(creating="soon")}, "takes a number of seconds"),
    ({"wall_clock": "sundial"}, "'freezegun', 'time-machine'"),
    ({"polling_delay": "x"}, "could not convert"),
    ({"strickt": True}, "Did you mean 'strict'"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG, ids=[next(iter(settings)) for settings, _ in WRONG])
def test_a_wrong_value_names_its_place(settings, message):
    with pytest.raises(ConfigurationError, match=message) as info:
        FakeLambda(**settings)
    assert str(info.value).startswith("FakeLambda: ")


@pytest.mark.parametrize(("span", "value"), [(1, 1_000_000), (0.25, 250_000), (timedelta(seconds=2), 2_000_000)])
def test_a_span_is_seconds_or_a_timedelta(span, value):
    assert microseconds(span) == value


def test_instants_and_moments_are_the_same_thing():
    assert moment_of(instant_of(Config().start)) == Config().start
