"""What tests share of moto and botocore never shows: a test sees what it would see alone."""

import functools
import gc
import inspect
import json
import logging
import re
import shutil
import ssl
from pathlib import Path

import boto3
import botocore
import botocore.client
import botocore.session
import pytest
import requests
import responses
from botocore import endpoint_provider, handlers, hooks, httpsession
from botocore.awsrequest import AWSRequest
from botocore.hooks import EventAliaser
from botocore.loaders import create_loader
from botocore.session import Session
from moto import mock_aws
from moto.backends import get_backend
from moto.core import base_backend, botocore_stubber, models
from moto.core.base_backend import AccountSpecificBackend, BaseBackend
from moto.core.botocore_stubber import BotocoreStubber
from moto.sqs import urls as sqs_urls

from pytest_lambda_esm import FakeLambda

REGION = "us-east-1"
NAMES = (
    "before-send.lambda.Invoke",
    "before-parameter-build.s3.PutObject",
    "creating-client-class.sqs",
    "before-call.dynamodb.PutItem",
    "request-created.cloudsearchdomain.Search",
    "before-sign.iot-data.Publish",
    "docs.title.logs",
)


def handlers_of(owner):
    """Return the handlers that a session or client calls, by event, and the translation of the events' names."""
    events = owner.meta.events if hasattr(owner, "meta") else owner.get_component("event_emitter")
    tree = events._emitter._handlers
    return {name: [identity(each) for each in tree.prefix_search(events._alias_event_name(name))] for name in NAMES}


def identity(handler):
    """Return what a handler is: the same for the same method of two objects, and for a function made twice."""
    own = handler if hasattr(handler, "__qualname__") else type(handler)
    return f"{own.__module__}.{own.__qualname__}"


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


# --- botocore's events ---------------------------------------------------------------------------------------


def test_sessions_and_clients_have_the_handlers_of_plain_botocore():
    expected = [handlers_of(Session()), *(handlers_of(Session().create_client(name)) for name in ("lambda", "s3"))]
    for _ in range(2):
        with FakeLambda():
            actual = [
                handlers_of(Session()),
                *(handlers_of(Session().create_client(name)) for name in ("lambda", "s3")),
            ]
            assert actual == expected


def test_a_handler_that_a_test_registers_is_its_own():
    seen = []

    def note(event_name, **kwargs):
        seen.append(event_name)

    with FakeLambda():
        other = boto3.Session().client("sqs")
        session = boto3.Session()
        session.events.register("before-send.sqs", note)
        session.events.register_first("before-call.sqs.ListQueues", note, unique_id="mine")
        client, second = session.client("sqs"), session.client("sqs")
        client.meta.events.unregister("before-send.sqs", note)
        client.list_queues()
        assert seen == ["before-call.sqs.ListQueues"]
        second.list_queues()
        assert seen[1:] == ["before-call.sqs.ListQueues", "before-send.sqs.ListQueues"]
        other.list_queues()
        boto3.client("sqs").list_queues()
    with FakeLambda():
        boto3.client("sqs").list_queues()
    assert len(seen) == 3


def test_a_built_in_handler_that_a_client_unregisters_stays_with_the_others():
    with FakeLambda():
        session = boto3.Session()
        first, second = session.client("sqs"), session.client("sqs")
        before = handlers_of(second)
        first.meta.events.unregister("before-send", models.botocore_stubber)
        assert identity(models.botocore_stubber) not in handlers_of(first)["before-send.lambda.Invoke"]
        assert handlers_of(second) == handlers_of(session.client("sqs")) == before


def test_built_in_handlers_that_are_added_or_removed_count_at_once(monkeypatch):
    def added(**kwargs):
        return None

    with FakeLambda():
        before = handlers_of(Session())
        with monkeypatch.context() as patch:
            patch.setattr(handlers, "BUILTIN_HANDLERS", [*handlers.BUILTIN_HANDLERS, ("docs.title", added)])
            assert handlers_of(Session())["docs.title.logs"] == [*before["docs.title.logs"], identity(added)]
        handlers.BUILTIN_HANDLERS.append(("docs.title.logs", added))
        try:
            assert handlers_of(Session())["docs.title.logs"] == [identity(added), *before["docs.title.logs"]]
        finally:
            handlers.BUILTIN_HANDLERS.pop()
        assert handlers_of(Session()) == before


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Session, "register"), (hooks.HierarchicalEmitter, "_register_section"), (hooks._PrefixTrie, "append_item")],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_replaced_registering_method_is_called(monkeypatch, owner, name):
    calls = []
    original = getattr(owner, name)

    @functools.wraps(original)
    def spy(*args, **kwargs):
        calls.append(args)
        return original(*args, **kwargs)

    with FakeLambda():
        before = handlers_of(Session())
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, spy)
            assert handlers_of(Session()) == before
            once = len(calls)
            assert once > 90
            Session()
            assert len(calls) == 2 * once
        assert handlers_of(Session()) == before
        assert len(calls) == 2 * once


def test_a_session_with_its_own_emitter_or_class_registers_as_always():
    class Own(Session):
        def register(self, *args, **kwargs):
            calls.append(args)
            super().register(*args, **kwargs)

    calls = []
    with FakeLambda():
        emitter = hooks.HierarchicalEmitter()
        emitter.register("docs.title", lambda **kwargs: None)
        assert len(handlers_of(Session(event_hooks=emitter))["docs.title.logs"]) == 1 + len(
            handlers_of(Own())["docs.title.logs"]
        )
        assert len(calls) > 90
        assert handlers_of(Session(include_builtin_handlers=False))["docs.title.logs"] == []


class _Callable:
    def __call__(self, **kwargs):
        pass


class _Deaf:
    def __call__(self):
        pass

    def method(self, event_name):
        pass


def _signed(**kwargs):
    pass


_signed.__signature__ = inspect.signature(lambda event_name: None)


@pytest.mark.parametrize(
    "handler",
    [
        lambda **kwargs: None,
        functools.partial(dict, x=1),
        functools.partial(_Callable(), x=1),
        _Callable(),
        _Callable().__call__,
    ],
    ids=["lambda", "partial of a class", "partial of an object", "object", "method"],
)
def test_what_botocore_accepts_as_a_handler_is_accepted(handler):
    with FakeLambda():
        boto3.Session().events.register("before-send", handler)


@pytest.mark.parametrize(
    "handler",
    [lambda event_name: None, _Deaf(), _Deaf().method, _signed],
    ids=["lambda", "object", "method", "function"],
)
def test_what_botocore_refuses_as_a_handler_is_refused(handler):
    with FakeLambda(), pytest.raises(ValueError, match="must accept keyword arguments"):
        boto3.Session().events.register("before-send", handler)


def test_an_aliaser_with_other_aliases_translates_with_them():
    with FakeLambda():
        assert (
            EventAliaser(None)._alias_event_name("before-call.events.PutEvents") == "before-call.eventbridge.PutEvents"
        )
        own = EventAliaser(None, {"events": "mine"})
        assert own._alias_event_name("before-call.events.PutEvents") == "before-call.mine.PutEvents"
        changed = EventAliaser(None, dict(botocore.utils.EVENT_ALIASES))
        changed._event_aliases["events"] = "other"
        assert changed._alias_event_name("before-call.events.PutEvents") == "before-call.other.PutEvents"
        assert (
            EventAliaser(None)._alias_event_name("before-call.events.PutEvents") == "before-call.eventbridge.PutEvents"
        )


def test_botocore_logs_each_translation_that_it_logs_alone(caplog):
    def lines():
        caplog.clear()
        Session().register("before-call.events.PutEvents", _Callable())
        return [record.getMessage() for record in caplog.records if record.name == "botocore.hooks"]

    with caplog.at_level(logging.DEBUG, "botocore.hooks"):
        alone = lines()
        with FakeLambda():
            assert lines() == lines() == alone


# --- clients -------------------------------------------------------------------------------------------------


def test_a_client_class_belongs_to_one_client(monkeypatch):
    with FakeLambda():
        first, second = boto3.client("sqs"), boto3.client("sqs")
        monkeypatch.setattr(type(first), "list_queues", lambda client: "patched")
        assert first.list_queues() == "patched"
        assert "patched" not in (second.list_queues(), boto3.client("sqs").list_queues())


def test_a_test_can_add_methods_while_a_client_class_is_created():
    def add(class_attributes, **kwargs):
        class_attributes["shout"] = lambda client: "hello"

    with FakeLambda():
        session = boto3.Session()
        session.events.register("creating-client-class.sqs", add)
        assert session.client("sqs").shout() == "hello"
        assert not hasattr(boto3.client("sqs"), "shout")


def test_a_session_with_data_of_its_own_has_its_endpoints(tmp_path):
    source = next(Path(create_loader().BUILTIN_DATA_PATH, "sqs").iterdir())
    folder = tmp_path / "sqs" / source.name
    shutil.copytree(source, folder)
    for file in folder.glob("endpoint-rule-set*"):
        file.unlink()
    rules = create_loader().load_service_model("sqs", "endpoint-rule-set-1")
    text = json.dumps(rules).replace("https://sqs.{Region}", "https://my-sqs.{Region}")
    (folder / "endpoint-rule-set-1.json").write_text(text)

    def endpoint(session):
        client = session.create_client("sqs", REGION)
        return client._ruleset_resolver._provider.resolve_endpoint(Region=REGION, UseDualStack=False, UseFIPS=False).url

    with FakeLambda():
        usual = endpoint(Session())
        own = Session()
        own.set_config_variable("data_path", str(tmp_path))
        loader = own.get_component("data_loader")
        loader.search_paths.insert(0, str(tmp_path))
        assert (usual, endpoint(own)) == (
            f"https://sqs.{REGION}.amazonaws.com",
            f"https://my-sqs.{REGION}.amazonaws.com",
        )
        assert endpoint(Session()) == usual


def test_a_replaced_rule_set_is_used(monkeypatch):
    made = []
    original = endpoint_provider.RuleSet

    def make(**data):
        made.append(data)
        return original(**data)

    with FakeLambda():
        boto3.client("sqs")
        with monkeypatch.context() as patch:
            patch.setattr(endpoint_provider, "RuleSet", make)
            boto3.client("sqs")
        boto3.client("sqs")
    assert len(made) == 1


def test_a_session_with_data_of_its_own_has_its_operations(tmp_path):
    folder = tmp_path / "sqs" / next(Path(create_loader().BUILTIN_DATA_PATH, "sqs").iterdir()).name
    folder.mkdir(parents=True)
    model = json.loads(json.dumps(create_loader().load_service_model("sqs", "service-2")))
    model["operations"]["ListMyQueues"] = {**model["operations"]["ListQueues"], "name": "ListMyQueues"}
    (folder / "service-2.json").write_text(json.dumps(model))
    with FakeLambda():
        usual = Session().create_client("sqs", REGION)
        own = Session()
        own.register_component("data_loader", create_loader(f"{tmp_path}"))
        assert hasattr(own.create_client("sqs", REGION), "list_my_queues")
        assert not hasattr(usual, "list_my_queues")
        assert not hasattr(Session().create_client("sqs", REGION), "list_my_queues")


def test_a_replaced_model_is_used(monkeypatch):
    made = []
    original = botocore.client.ServiceModel

    def make(*data, **names):
        made.append(names)
        return original(*data, **names)

    with FakeLambda():
        boto3.client("sqs")
        with monkeypatch.context() as patch:
            patch.setattr(botocore.client, "ServiceModel", make)
            boto3.client("sqs")
        boto3.client("sqs")
    assert len(made) == 1


def test_what_a_test_sets_on_a_clients_model_reaches_no_other_client():
    with FakeLambda():
        one, other = boto3.client("sqs").meta.service_model, boto3.client("sqs").meta.service_model
        assert one.service_name == other.service_name == "sqs"
        one.signature_version = "v1"
        one.metadata = {}
        later = boto3.client("sqs").meta.service_model
        assert [model.signature_version for model in (other, later)] == ["v4", "v4"]
        assert later.metadata["serviceId"] == "SQS"


def context_of(client):
    return client._endpoint.http_session._manager.connection_pool_kw["ssl_context"]


def test_each_client_has_a_tls_context_of_its_own_also_after_the_fake():
    with FakeLambda():
        early, late = boto3.client("sqs"), boto3.client("sqs")
        inside = context_of(early)
        assert context_of(early) is inside
    outside = context_of(late)
    assert isinstance(inside, ssl.SSLContext)
    assert isinstance(outside, ssl.SSLContext)
    assert inside is not outside
    plain = context_of(Session().create_client("sqs"))
    assert (outside.options, outside.verify_mode) == (plain.options, plain.verify_mode)
    pool = late._endpoint.http_session._manager.connection_from_url("https://localhost:1")
    assert pool.conn_kw["ssl_context"] is outside


def test_a_replaced_pool_manager_gets_a_context(monkeypatch):
    given = []

    class Manager:
        def __init__(self, **keywords):
            given.append(keywords["ssl_context"])

    with FakeLambda():
        monkeypatch.setattr(httpsession, "PoolManager", Manager)
        httpsession.URLLib3Session()
    with FakeLambda():
        httpsession.URLLib3Session()
    assert [type(each) for each in given] == [ssl.SSLContext] * 2


# --- moto ----------------------------------------------------------------------------------------------------


def registered():
    return [(each.method, each.url.pattern, each.callback) for each in models.responses_mock.registered()]


def test_the_patterns_of_responses_are_those_that_moto_registers():
    with mock_aws():
        expected = registered()
    for _ in range(2):
        with FakeLambda():
            assert registered() == expected
    assert registered() == []


def test_other_clients_and_responses_of_the_test_meet_the_patterns():
    with FakeLambda():
        boto3.client("s3").create_bucket(Bucket="bucket")
        boto3.client("s3").put_object(Bucket="bucket", Key="k", Body=b"text")
        assert requests.get("https://bucket.s3.amazonaws.com/k", timeout=1).status_code in (200, 403)
        assert len(models.responses_mock.calls) == 1
        models.responses_mock.add(responses.GET, "https://example.org/x", body="mine")
        assert requests.get("https://example.org/x", timeout=1).text == "mine"
    with responses.RequestsMock() as own:
        own.add(responses.GET, "https://example.org/x", body="alone")
        with FakeLambda():
            assert len(models.responses_mock.calls) == 0
        assert requests.get("https://example.org/x", timeout=1).text == "alone"


def test_moto_that_is_reset_or_started_again_registers_as_always():
    with FakeLambda():
        before = models.responses_mock._registry
        mock = mock_aws()
        mock.start()  # Nested: moto registers nothing.
        assert models.responses_mock._registry is before
        mock.stop()
        mock.reset()
        assert models.responses_mock.registered() == []  # As moto leaves it.
    with mock_aws():
        assert len(models.responses_mock.registered()) > 1000
        registry = models.responses_mock._registry
        with FakeLambda():
            assert models.responses_mock._registry is registry


def test_regions_are_those_of_the_session_that_moto_asks(monkeypatch):
    with mock_aws():
        expected = base_backend.BackendDict(object, "lambda")["123456789012"].regions
    with FakeLambda():
        assert base_backend.BackendDict(object, "lambda")["123456789012"].regions == expected

        class Alone:
            def get_available_partitions(self):
                return ["aws"]

            def get_available_regions(self, service, partition_name):
                return ["mars-1"]

        alone = Alone()
        # monkeypatch.undo() would remove the credentials as well, and the fake would restore them.
        with monkeypatch.context() as patch:
            patch.setattr(AccountSpecificBackend, "get_session", classmethod(lambda cls: alone))
            assert base_backend.BackendDict(object, "lambda")["123456789012"].regions == ["mars-1"]


def test_everything_is_restored_at_the_end():
    def replaced():
        return (
            hooks.accepts_kwargs,
            vars(EventAliaser)["_alias_event_name"],
            vars(Session)["_register_builtin_handlers"],
            endpoint_provider.RuleSet,
            botocore.client.ServiceModel,
            httpsession.PoolManager,
            vars(httpsession.URLLib3Session)["_get_ssl_context"],
            vars(AccountSpecificBackend)["_generate_regions"],
            models.RESPONSES_METHODS,
        )

    before = replaced()
    with FakeLambda():
        boto3.client("sqs")
        assert replaced()[:-1] != before[:-1]
    assert all(now is then for now, then in zip(replaced(), before, strict=True))


def test_a_test_leaves_no_backends_and_sessions_behind():
    def run():
        with FakeLambda() as fake:
            sqs = boto3.client("sqs")
            sqs.send_message(QueueUrl=sqs.create_queue(QueueName="q")["QueueUrl"], MessageBody="x")
            fake.function("f", lambda event, context: None)
            fake.clock.run_until_idle()

    def kept():
        gc.collect()
        kinds = (AccountSpecificBackend, Session, hooks.HierarchicalEmitter, FakeLambda)
        return [sum(type(each) is kind for each in gc.get_objects()) for kind in kinds]

    run()
    before = kept()
    run()
    run()
    assert kept() == before


# --- moto's URL patterns ---------------------------------------------------------------------------------------


def patterns_of(service):
    """Return the URL patterns of a service and the names of their handlers, in the order in which moto tries them."""
    routes = get_backend(service)["123456789012"][REGION].urls
    return [(pattern, getattr(handler, "__qualname__", repr(handler))) for pattern, handler in routes.items()]


@pytest.mark.parametrize("iso_regions", ["false", "true"])
def test_services_have_the_url_patterns_of_plain_moto(monkeypatch, iso_regions):
    services = ("sqs", "kinesis", "dynamodb", "events", "sns")
    with FakeLambda():
        first = {name: patterns_of(name) for name in services}
        monkeypatch.setenv("MOTO_ENABLE_ISO_REGIONS", iso_regions)
        actual = {name: patterns_of(name) for name in services}
    with mock_aws():
        expected = {name: patterns_of(name) for name in services}
    assert actual == expected
    assert (first == actual) == (iso_regions == "false")


def answer_once(request, full_url, headers):
    """Answer a request as a service that moto lacks could."""
    return 200, {}, "its own"


def own_answer(name="orders"):
    url = f"https://sqs.us-east-1.amazonaws.com/own/{name}"
    return BotocoreStubber().process_request(AWSRequest("GET", url, headers={}).prepare())


def test_a_path_that_a_test_adds_is_found_until_the_test_removes_it(monkeypatch):
    with FakeLambda():
        before = own_answer()
        with monkeypatch.context() as patch:  # Undoing the other one would remove the credentials as well.
            patch.setitem(sqs_urls.url_paths, "{0}/own/orders$", answer_once)
            assert own_answer()[2] == "its own"
        assert own_answer()[2] == before[2]
        monkeypatch.setattr(sqs_urls, "url_paths", {"{0}/own/(.+)$": answer_once})
        assert own_answer()[2] == "its own"


def test_paths_in_another_order_are_tried_in_that_order(monkeypatch):
    later = {"{0}/own/orders$": lambda *request: (200, {}, "the exact one")}
    paths = {"{0}/own/(.+)$": answer_once, **later}
    monkeypatch.setattr(sqs_urls, "url_paths", paths)
    with FakeLambda():
        assert own_answer()[2] == "its own"
        paths["{0}/own/(.+)$"] = paths.pop("{0}/own/(.+)$")
        assert own_answer()[2] == "the exact one"


def test_hosts_that_a_test_adds_are_found(monkeypatch):
    with FakeLambda():
        before = patterns_of("sqs")
        monkeypatch.setattr(sqs_urls, "url_bases", [*sqs_urls.url_bases, "https?://queues.example"])
        assert len(patterns_of("sqs")) > len(before)


def test_a_changed_dictionary_of_patterns_changes_nobody_elses():
    with FakeLambda():
        before = patterns_of("sqs")
        get_backend("sqs")["123456789012"][REGION].urls.clear()
        assert patterns_of("sqs") == before


class OtherDescriptor:
    """A descriptor that is not a property."""

    def __init__(self, read):
        self.read = read

    def __get__(self, backend, owner):
        return self if backend is None else self.read(backend)


@pytest.mark.parametrize("kind", [property, OtherDescriptor])
def test_patterns_that_a_test_replaces_are_its_own(monkeypatch, kind):
    answers = iter(["the first one", "the second one"])

    def urls(backend):
        answer = next(answers)
        return {"https://sqs.us-east-1.amazonaws.com/own": lambda *request: (200, {}, answer)}

    replacement = kind(urls)
    monkeypatch.setattr(BaseBackend, "urls", replacement)
    with FakeLambda():
        assert vars(BaseBackend)["urls"] is replacement
        assert own_answer()[2] == "the first one"
        assert own_answer()[2] == "the second one"


def test_moto_finds_its_patterns_itself_after_a_fake():
    before = vars(BaseBackend)["urls"], botocore_stubber.re
    with FakeLambda():
        assert (vars(BaseBackend)["urls"], botocore_stubber.re) != before
        assert botocore_stubber.re.compile("A", re.IGNORECASE).match("a")
        assert botocore_stubber.re.sub("a", "b", "a") == "b"
    assert (vars(BaseBackend)["urls"], botocore_stubber.re) == before
