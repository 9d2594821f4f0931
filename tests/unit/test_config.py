from datetime import datetime, timedelta, timezone

import pytest

from pytest_lambda_esm import Config, ConfigurationError, FakeLambda, TransitionTimes, Weather
from pytest_lambda_esm.timing import instant_of, microseconds, moment_of


def test_the_later_layer_wins():
    config = Config.from_layers([("ini", {"seed": 1, "region": "eu-west-1"}), ("marker", {"seed": 2})])
    assert (config.seed, config.region) == (2, "eu-west-1")


def test_settings_made_of_several_are_merged():
    config = Config.from_layers(
        [
            ("ini", {"transitions": {"creating": 30, "deleting": "manual"}, "weather": {"throttles": 0.5}}),
            ("marker", {"transitions": {"creating": 60}, "weather": {"duplicates": 1}}),
        ]
    )
    assert config.transitions == TransitionTimes(creating=60, deleting="manual")
    assert config.weather == Weather(throttles=0.5, duplicates=1)
    assert config.with_changes("x", {"transitions": TransitionTimes(updating=1)}).transitions.deleting == 5


def test_the_slowest_answer_is_a_span_like_others():
    config = Config.from_layers([("marker", {"weather": {"slowest": timedelta(minutes=1)}})])
    assert config.weather == Weather(slowest=60)


def test_all_settings_of_a_config_count():
    config = Config.from_layers([("ini", {"seed": 1, "region": "eu-west-1"}), ("fixture", Config(region="eu-west-2"))])
    assert config == Config(region="eu-west-2")
    assert not config.has_own_start


@pytest.mark.parametrize("given", [{"seed": 1}, 5, "seed"], ids=str)
def test_what_is_no_config_is_refused_at_the_users_line(given):
    with pytest.raises(ConfigurationError, match=r"FakeLambda takes settings by name, FakeLambda\(seed=7\)") as info:
        FakeLambda(given)
    assert info.traceback.filter(info)[-1].path.name == "test_config.py"


def test_a_config_made_by_hand_is_checked():
    with pytest.raises(ConfigurationError, match="FakeLambda: seed = 'x' cannot be used"):
        FakeLambda(Config(seed="x"))
    assert FakeLambda(Config(seed=3), region="eu-west-1").config == Config(seed=3, region="eu-west-1")


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
    ({"start": "9000-01-01"}, "an instant from 1970 to 9000"),
    ({"start": "1969-12-31T23:59:59Z"}, "an instant from 1970 to 9000"),
    ({"start": 5}, "aware datetime or an ISO 8601 text"),
    ({"seed": 1.5}, "whole number"),
    ({"loop_depth": 0}, "whole number from 1"),
    ({"maximum_filters": 11}, "at most 10"),
    ({"region": ""}, "name of a region"),
    ({"limits": "2019"}, "expected one of 'current', '2020'"),
    ({"transitions": 5}, "expected a mapping"),
    ({"transitions": {"creating": -1}}, "takes a number of seconds"),
    ({"transitions": TransitionTimes(creating="soon")}, "takes a number of seconds"),
    ({"wall_clock": "sundial"}, "'freezegun', 'time-machine'"),
    ({"polling_delay": "x"}, "could not convert"),
    ({"polling_delay": float("inf")}, "at most a thousand years"),
    ({"poll_latency": "1e300"}, "at most a thousand years"),
    ({"stream_backoff": float("nan")}, "at most a thousand years"),
    ({"throttle_backoff": timedelta.max}, "at most a thousand years"),
    ({"async_latency": "inf"}, "at most a thousand years"),
    ({"transitions": {"creating": float("inf")}}, "takes a number of seconds"),
    ({"advice_ignore": "ESM1O2"}, "there is no advice 'ESM1O2'. Did you mean 'ESM1"),
    ({"advice_ignore": 102}, "cannot be used"),
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
