import pytest

from pytest_lambda_esm.polling.queues.scaling import Scaling, ScalingRates, bounds_of

SECOND = 1_000_000
RATES = ScalingRates(initial=5, growth=300, maximum=1250, lowered_by=1)


def scaling(**settings):
    return Scaling(bounds_of(settings, RATES))


@pytest.mark.parametrize(
    ("settings", "least", "initial", "maximum", "growth"),
    [
        ({}, 2, 5, 1250, 300),
        ({"ScalingConfig": {}}, 2, 5, 1250, 300),
        ({"ScalingConfig": {"MaximumConcurrency": 2}}, 2, 2, 2, 300),
        ({"ScalingConfig": {"MaximumConcurrency": 1000}}, 5, 5, 1000, 300),
        ({"ProvisionedPollerConfig": {"MinimumPollers": 3}}, 30, 30, 2000, 1000),
        ({"ProvisionedPollerConfig": {"MaximumPollers": 4}}, 20, 20, 40, 1000),
        ({"ProvisionedPollerConfig": {"MinimumPollers": 300}}, 3000, 3000, 3000, 1000),
    ],
)
def test_bounds(settings, least, initial, maximum, growth):
    bounds = bounds_of(settings, RATES)
    assert (bounds.least, bounds.initial, bounds.maximum, bounds.growth) == (least, initial, maximum, growth)


@pytest.mark.parametrize(
    ("limits", "given", "growth", "maximum"),
    [
        ("current", (None, None), 300, 1250),
        ("2020", (None, None), 60, 1000),
        ("2020", (300, None), 300, 1000),
        ("2020", (0, 1250), 0, 1250),
    ],
)
def test_the_rates_are_those_of_the_year_unless_others_are_given(limits, given, growth, maximum):
    rates = ScalingRates.under(limits, initial=5, growth=given[0], maximum=given[1], lowered_by=1)
    assert (rates.growth, rates.maximum) == (growth, maximum)


def test_it_grows_by_three_hundred_a_minute_while_messages_wait():
    one = scaling()
    upcoming = one.grow(0)
    assert upcoming == SECOND // 5
    assert (one.capacity(upcoming - 1), one.capacity(upcoming)) == (5, 6)
    assert one.capacity(60 * SECOND) == 305
    assert one.capacity(3600 * SECOND) == 1250
    assert one.grow(3600 * SECOND) is None


def test_growth_in_small_steps_loses_nothing():
    one, now = scaling(), 0
    while now < 60 * SECOND:
        now = one.grow(now)
        one.stop_growing(now)
    assert one.capacity(now) == 305


def test_it_stays_where_it_is_once_nothing_waits():
    one = scaling()
    one.grow(0)
    one.stop_growing(10 * SECOND)
    assert one.capacity(3600 * SECOND) == 55


def test_errors_lower_it_to_two_and_an_empty_queue_begins_anew():
    one = scaling()
    for _ in range(9):
        one.shrink(0)
    assert one.capacity(0) == 2
    one.reset()
    assert one.capacity(0) == 5


def test_an_error_while_it_grows_takes_one_away_and_it_grows_on():
    one = scaling()
    one.grow(0)
    one.shrink(SECOND)
    assert one.capacity(SECOND) == 9
    assert one.capacity(2 * SECOND) == 14


def test_a_changed_limit_holds_at_once():
    one = scaling()
    one.grow(0)
    one.set_bounds(bounds_of({"ScalingConfig": {"MaximumConcurrency": 7}}, RATES), 60 * SECOND)
    assert one.capacity(60 * SECOND) == 7
    one.set_bounds(bounds_of({}, RATES), 60 * SECOND)
    assert one.capacity(60 * SECOND) == 7


def test_without_growth_it_stays():
    one = Scaling(bounds_of({}, ScalingRates(initial=1, growth=0, maximum=1250, lowered_by=1)))
    assert one.grow(0) is None
    assert one.capacity(3600 * SECOND) == 1
