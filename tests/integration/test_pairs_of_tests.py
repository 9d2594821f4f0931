"""After any other test, a test sees what it sees alone, whatever the other one did to moto, botocore and clocks."""

import datetime
import time
from dataclasses import dataclass, replace

import boto3
import botocore.session
import freezegun
import pytest
import requests
from botocore import handlers, hooks
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from moto.core import models
from moto.core.config import default_user_config

from helpers.trials import trials
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.moto_bridge.reuse import client_parts, event_hooks, regions, routes

REGIONS = ("us-east-1", "eu-central-1", "ap-southeast-2")
ACCOUNTS = ("123456789012", "210987654321")


@dataclass(frozen=True)
class Trial:
    """One test: what it does, and with which settings."""

    body: object
    region: str
    account_id: str
    start: str
    seed: int
    frozen: bool
    inside_mock: bool


def run(trial):
    """Run a test, and return what it saw."""
    seen = []
    outer = mock_aws() if trial.inside_mock else None
    freezer = freezegun.freeze_time("2031-05-06T07:08:09Z") if trial.frozen else None
    for context in (outer, freezer):
        if context is not None:
            context.start()
    try:
        start = {} if trial.frozen else {"start": trial.start}
        with FakeLambda(
            region=trial.region, account_id=trial.account_id, seed=trial.seed, handler_errors="record", **start
        ) as fake:
            trial.body(fake, seen)
            seen.append([str(entry) for entry in fake.timeline._recorded])
            seen.append(surroundings())
    finally:
        for context in (freezer, outer):
            if context is not None:
                context.stop()
    return seen


def surroundings():
    """Return what a client has got from botocore and moto, and the time."""
    session = botocore.session.Session()
    client = session.create_client("sqs")
    found = client.meta.events._emitter._handlers.prefix_search("before-send.sqs.SendMessage")
    return (
        [getattr(each, "__name__", type(each).__name__) for each in found],
        client.meta.endpoint_url,
        client.meta.region_name,
        sorted(name for name in vars(type(client)) if not name.startswith("_")),
        [(each.method, getattr(each.url, "pattern", each.url)) for each in models.responses_mock.registered()][::97],
        dict(default_user_config),
        datetime.datetime.now(datetime.timezone.utc),
        time.time(),
    )


def connected(fake, seen, **mapping):
    """Connect a queue to a function, and return a function that sends to it."""
    sqs = boto3.client("sqs")
    handler = mapping.pop("handler", lambda event, context: seen.append(event))
    fake.function("orders", handler)
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = f"arn:aws:sqs:{fake.region}:{fake.config.account_id}:q"
    try:
        seen.append(boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="orders"))
    except ClientError as error:
        seen.append(error.response["Error"])
    return lambda body: seen.append(sqs.send_message(QueueUrl=queue, MessageBody=body)["MD5OfMessageBody"])


def delivers(fake, seen):
    connected(fake, seen)("1")
    fake.clock.run_until_idle()


def fails(fake, seen):
    fake.faults.add("CreateEventSourceMapping", error="ServiceException", times=1)
    connected(fake, seen)("1")
    fake.clock.run_until_idle()


def sweeps(fake, seen):
    for sweep_run in fake.sweep(errors=["ServiceException"], operations=["CreateEventSourceMapping"]):
        with sweep_run:
            connected(fake, seen)("1")
            fake.clock.run_until_idle()


def registers_handlers(fake, seen):
    def note(event_name, **kwargs):
        seen.append(event_name)

    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register("before-send.sqs", note)
    boto3.DEFAULT_SESSION.events.register_first("before-call.*.SendMessage", note)
    boto3.DEFAULT_SESSION.events.register_last("creating-client-class", note)
    connected(fake, seen)("1")
    handlers.BUILTIN_HANDLERS.insert(0, ("before-send.sqs.SendMessage", note))
    try:
        connected_client = botocore.session.Session().create_client("sqs")
        connected_client.meta.events.unregister("before-send", models.botocore_stubber)
        seen.append(connected_client.meta.service_model.service_name)
    finally:
        handlers.BUILTIN_HANDLERS.pop(0)


def patches_botocore(fake, seen):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hooks.EventAliaser, "_alias_event_name", lambda aliaser, name: name)
        seen.append(boto3.client("events").meta.service_model.service_name)
        patch.setattr(botocore.session.Session, "register", lambda session, *args, **kwargs: None)
        botocore.session.Session()
    delivers(fake, seen)


def nests_mocks(fake, seen):
    with mock_aws(config={"lambda": {"use_docker": False}}):
        connected(fake, seen)("1")
        with mock_aws():
            fake.clock.run_until_idle()
    seen.append(boto3.client("sqs").list_queues().get("QueueUrls"))


def uses_requests(fake, seen):
    boto3.client("s3", "us-east-1").create_bucket(Bucket="bucket")
    models.responses_mock.add("GET", "https://example.org/", body="mine")
    for url in ("https://bucket.s3.amazonaws.com/", "https://example.org/"):
        seen.append(requests.get(url, timeout=1).status_code)
    seen.append(len(models.responses_mock.calls))


def moves_time(fake, seen):
    send = connected(fake, seen, handler=lambda event, context: time.sleep(2))
    send("1")
    time.sleep(30)
    fake.clock.advance(minutes=1)
    seen.append(len(fake.invocations))


BODIES = (delivers, fails, sweeps, registers_handlers, patches_botocore, nests_mocks, uses_requests, moves_time)

tests = st.builds(
    Trial,
    body=st.sampled_from(BODIES),
    region=st.sampled_from(REGIONS),
    account_id=st.sampled_from(ACCOUNTS),
    start=st.sampled_from(["2026-03-01T00:00:00Z", "2019-12-31T23:59:59Z"]),
    seed=st.integers(0, 3),
    frozen=st.booleans(),
    inside_mock=st.booleans(),
)


def forget_everything():
    """Bring the process into the state before its first test, as far as tests share parts of botocore and moto."""
    for kept in (event_hooks._kept, client_parts._kept, regions._known, routes._known):
        kept.cache_clear()


def seen_by(*trials):
    forget_everything()
    return [run(trial) for trial in trials]


@given(tests, tests)
@trials(examples=6, steps=1)
def test_two_tests_see_in_each_order_what_they_see_alone(first, second):
    alone = [*seen_by(first), *seen_by(second)]
    assert seen_by(first, second) == alone
    assert seen_by(second, first) == alone[::-1]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_each_kind_of_test_repeats_itself(body):
    trial = Trial(body, "us-east-1", ACCOUNTS[0], "2026-03-01T00:00:00Z", 0, frozen=False, inside_mock=False)
    first, again, elsewhere = seen_by(trial, trial, replace(trial, region="eu-central-1"))
    assert first == again != elsewhere
