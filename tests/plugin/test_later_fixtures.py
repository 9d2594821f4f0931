"""Fixtures that replace the same attributes as the fake and are torn down after it: no part of the fake returns."""

TEST = """
    import os, signal, socket, threading, time
    import boto3, pytest
    from botocore.client import BaseClient
    from botocore.httpsession import URLLib3Session
    from moto.sqs.models import SQSBackend

    PLACES = [
        (os, "putenv"), (signal, "signal"), (socket, "getaddrinfo"), (threading.Thread, "start"), (time, "time"),
        (time, "sleep"), (BaseClient, "_make_request"), (URLLib3Session, "send"), (SQSBackend, "receive_message"),
    ]
    BEFORE = [vars(owner)[name] for owner, name in PLACES]
    VARIABLES = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "MOTO_"))}

    def test_patched(monkeypatch, lambda_esm):
        for owner, name in PLACES:
            during = vars(owner)[name]
            monkeypatch.setattr(owner, name, lambda *args, during=during, **kwargs: during(*args, **kwargs))
        for name in ("AWS_DEFAULT_REGION", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "us-west-2")
        boto3.client("sqs").list_queues()

    def test_as_before():
        assert [vars(owner)[name] for owner, name in PLACES] == BEFORE
        assert VARIABLES == {
            name: value for name, value in os.environ.items() if name.startswith(("AWS_", "MOTO_"))
        }

    def test_again(lambda_esm):
        assert boto3.client("sqs").list_queues()
"""


def test_nor_do_its_credentials_in_place_of_the_tests_own(run, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    run(TEST).assert_outcomes(passed=3)


def test_nothing_of_the_fake_comes_back(run):
    run(TEST, "-p", "no:randomly").assert_outcomes(passed=3)


def test_a_function_that_a_module_imported_meanwhile_calls_the_original(run):
    result = run(
        """
        import os, sys

        def test_import(lambda_esm):
            import importer
            assert importer.chdir is os.chdir

        def test_as_before(tmp_path, monkeypatch):
            import importer
            monkeypatch.chdir(tmp_path)
            importer.chdir(tmp_path)
            assert importer.chdir.__dict__ is not None
            assert importer.getaddrinfo("sqs.us-east-1.amazonaws.com", 443) == ["resolved"]
        """,
        importer="""
            import socket
            from os import chdir
            socket_getaddrinfo = socket.getaddrinfo

            def getaddrinfo(*args):
                return socket_getaddrinfo(*args)
        """,
        conftest="""
            import socket
            import pytest

            @pytest.fixture(autouse=True, scope="session")
            def resolver():
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(socket, "getaddrinfo", lambda *args: ["resolved"])
                    yield
        """,
    )
    result.assert_outcomes(passed=2)
