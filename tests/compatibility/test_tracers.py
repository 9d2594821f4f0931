"""Tracers that wrap botocore: each of their spans is recorded, in every order of starting and stopping them."""

import sys
import threading

import boto3
import pytest
from botocore.client import BaseClient
from botocore.endpoint import Endpoint

from helpers.tracers import Untouched
from pytest_lambda_esm import FakeLambda

pytest.importorskip("wrapt")

REGION = "us-east-1"


class ByHand:
    """``wrapt`` itself, as all three use it."""

    def __init__(self):
        import wrapt

        self.calls = []
        self._before = vars(BaseClient)["_make_api_call"]

        def wrapper(wrapped, instance, args, kwargs):
            self.calls.append((instance.meta.service_model.service_name, args[0]))
            return wrapped(*args, **kwargs)

        wrapt.wrap_function_wrapper("botocore.client", "BaseClient._make_api_call", wrapper)

    def stop(self):
        BaseClient._make_api_call = self._before


class XRay:
    """``patch(("botocore",))`` of the X-Ray SDK, which has no unpatch for it."""

    def __init__(self):
        core = pytest.importorskip("aws_xray_sdk.core")
        import botocore.client
        from aws_xray_sdk.ext.botocore.patch import patch

        self._before = vars(BaseClient)["_make_api_call"], vars(Endpoint)["prepare_request"]
        self._module = botocore.client
        self._recorder = core.xray_recorder
        if hasattr(self._recorder.emitter, "_socket"):
            self._recorder.emitter._socket.close()  # The SDK opens it when it is imported, and never closes it.
        self._recorder.configure(sampling=False, context_missing="IGNORE_ERROR", emitter=self)
        self._recorder.begin_segment("test")
        self._segment = self._recorder.current_segment()
        patch()

    def send_entity(self, entity):
        """No-op: nothing is sent to a daemon."""

    @property
    def calls(self):
        return [(span.name, span.aws["operation"]) for span in self._segment.subsegments]

    def stop(self):
        BaseClient._make_api_call, Endpoint.prepare_request = self._before
        del self._module._xray_enabled
        self._recorder.end_segment()


class OpenTelemetry:
    """The instrumentor of OpenTelemetry."""

    def __init__(self):
        instrumentation = pytest.importorskip("opentelemetry.instrumentation.botocore")
        pytest.importorskip("opentelemetry.sdk.trace")
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self._spans = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self._instrumentor = instrumentation.BotocoreInstrumentor()
        self._instrumentor.instrument(tracer_provider=provider)

    @property
    def calls(self):
        names = [span.attributes["rpc.method"] for span in self._spans.get_finished_spans()]
        return [("lambda", name) for name in names]

    def stop(self):
        self._instrumentor.uninstrument()


class Datadog:
    """``patch(botocore=True)`` of ddtrace."""

    def __init__(self):
        pytest.importorskip("ddtrace")
        from ddtrace.contrib.internal.botocore.patch import patch
        from ddtrace.trace import TraceFilter, tracer

        self.calls = calls = []

        class Collect(TraceFilter):
            def process_trace(self, trace):
                calls.extend((span.get_tag("aws_service"), span.get_tag("aws.operation")) for span in trace)

        tracer.configure(trace_processors=[Collect()])
        patch()

    def stop(self):
        from ddtrace.contrib.internal.botocore.patch import unpatch

        unpatch()


@pytest.fixture(params=[ByHand, XRay, OpenTelemetry, Datadog])
def tracer(request):
    """A class of tracers; creating one starts it. Nothing of it or of a fake is left in botocore."""
    with Untouched(BaseClient, Endpoint):
        yield request.param


EXPECTED = [("lambda", "ListFunctions")]


def call():
    boto3.client("lambda", REGION).list_functions()


def test_started_before_the_fake(tracer):
    started = tracer()
    try:
        with FakeLambda() as fake:
            call()
            assert len(fake.calls) == 1
        assert started.calls == EXPECTED
    finally:
        started.stop()


def test_started_within_the_fake(tracer):
    with FakeLambda() as fake:
        started = tracer()
        try:
            call()
        finally:
            started.stop()
        assert len(fake.calls) == 1
        assert started.calls == EXPECTED


def test_started_before_and_stopped_within(tracer):
    started = tracer()
    with FakeLambda() as fake:
        started.stop()
        call()
        assert started.calls == []
        fault = fake.faults.add("sqs.ListQueues", "RequestThrottled", per="call")
        with pytest.raises(Exception, match="RequestThrottled"):
            boto3.client("sqs", REGION).list_queues()
        assert fault.hits >= 1  # The fake still sees which call a request belongs to.


def test_started_within_and_stopped_after(tracer):
    with FakeLambda():
        started = tracer()
    try:
        with FakeLambda() as fake:
            call()
            assert len(fake.calls) == 1
        assert started.calls == EXPECTED
    finally:
        started.stop()


def test_the_params_of_a_call_are_matched_under_a_tracer(tracer):
    started = tracer()
    try:
        with FakeLambda() as fake:
            sqs = boto3.client("sqs", REGION)
            sqs.create_queue(QueueName="a")
            fake.faults.add("sqs.CreateQueue", "QueueNameExists", match={"QueueName": "b"})
            with pytest.raises(sqs.exceptions.QueueNameExists):
                sqs.create_queue(QueueName="b")
    finally:
        started.stop()


def test_the_threads_of_an_instrumented_process(tracer):
    """OpenTelemetry's instrumentor of threads wraps ``Thread.start`` as well."""
    wrapt = pytest.importorskip("wrapt")
    started = []

    def wrapper(wrapped, instance, args, kwargs):
        started.append(instance)
        return wrapped(*args, **kwargs)

    with Untouched(threading.Thread), FakeLambda() as fake:
        wrapt.wrap_function_wrapper("threading", "Thread.start", wrapper)
        seen = []

        def handler(event, context):
            thread = threading.Thread(target=lambda: seen.append(sys.getswitchinterval()))
            thread.start()
            thread.join()

        fake.function("f", handler)
        boto3.client("lambda", REGION).invoke(FunctionName="f")
        assert len(started) == len(seen) == 1
        threading.Thread.start = threading.Thread.start.__wrapped__
