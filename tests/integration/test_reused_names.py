"""moto finds methods and attributes by their names as it does without the fake, only faster."""

from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import responses, utils
from moto.sqs import models
from moto.sts.responses import TokenResponse

from pytest_lambda_esm import FakeLambda

REGION = "us-east-1"
MESSAGE = "decoded"
ANSWER = f"""
<DecodeAuthorizationMessageResponse><DecodeAuthorizationMessageResult><DecodedMessage>{MESSAGE}</DecodedMessage>
</DecodeAuthorizationMessageResult></DecodeAuthorizationMessageResponse>
"""
NAMES = ("QueueArn", "KmsMasterKeyId", "aBC", "ABCDef", "with space", "already_so", "", None)


def decode():
    """Make a call that moto does not implement."""
    client = boto3.client("sts", region_name=REGION)
    return client.decode_authorization_message(EncodedMessage="secret")["DecodedMessage"]


def replace_method(monkeypatch, method):
    monkeypatch.setattr(TokenResponse, "decode_authorization_message", method, raising=False)


@pytest.mark.parametrize("start", [mock_aws, lambda: FakeLambda(region=REGION)], ids=["moto", "fake"])
def test_a_method_is_found_while_the_class_has_it(monkeypatch, start):
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with start():
        for _ in range(2):
            with pytest.raises(NotImplementedError, match="decode_authorization_message"):
                decode()
            with monkeypatch.context() as replaced:
                replace_method(replaced, lambda response: ANSWER)
                assert decode() == MESSAGE


@pytest.mark.parametrize("start", [mock_aws, lambda: FakeLambda(region=REGION)], ids=["moto", "fake"])
def test_what_is_no_method_is_not_found(monkeypatch, start):
    with start(), monkeypatch.context() as replaced:
        replace_method(replaced, Mock(return_value=ANSWER))
        with pytest.raises(NotImplementedError, match="decode_authorization_message"):
            decode()


def test_the_methods_of_a_class_are_listed_as_before():
    before = responses.method_names_from_class(TokenResponse)
    with FakeLambda():
        names = responses.method_names_from_class(TokenResponse)
        assert list(names) == before
        assert len(names) == len(before)
        assert all(name in names for name in before)
        assert "boto3_service_name" not in names
        assert None not in names


@pytest.mark.parametrize("module", [responses, models])
def test_names_are_converted_as_before(module):
    before = [utils.camelcase_to_underscores(name) for name in NAMES]
    with FakeLambda(region=REGION):
        boto3.client("sqs", region_name=REGION).list_queues()
        for _ in range(2):
            assert [module.camelcase_to_underscores(name) for name in NAMES] == before


@pytest.mark.parametrize("module", [responses, models])
def test_a_conversion_that_a_test_replaces_is_asked_each_time(monkeypatch, module):
    own = Mock(side_effect=utils.camelcase_to_underscores)
    monkeypatch.setattr(module, "camelcase_to_underscores", own)
    with FakeLambda(region=REGION):
        sqs = boto3.client("sqs", region_name=REGION)
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
        for _ in range(2):
            own.reset_mock()
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            assert own.called
        assert module.camelcase_to_underscores is own


def test_a_list_of_methods_that_a_test_replaces_is_its_own(monkeypatch):
    monkeypatch.setattr(responses, "method_names_from_class", lambda clazz: [])
    with FakeLambda(region=REGION), pytest.raises(NotImplementedError, match="get_caller_identity"):
        boto3.client("sts", region_name=REGION).get_caller_identity()


def test_moto_has_its_own_functions_again_after_a_fake():
    names = [
        (responses, "camelcase_to_underscores"),
        (models, "camelcase_to_underscores"),
        (responses, "method_names_from_class"),
    ]
    with FakeLambda(region=REGION):
        boto3.client("sqs", region_name=REGION).list_queues()
        assert all(getattr(module, name) is not getattr(utils, name) for module, name in names)
    assert all(getattr(module, name) is getattr(utils, name) for module, name in names)


def test_an_unknown_attribute_of_a_queue_is_refused_each_time():
    with FakeLambda(region=REGION):
        sqs = boto3.client("sqs", region_name=REGION)
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
        for _ in range(2):
            with pytest.raises(ClientError, match="InvalidAttributeName"):
                sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Unknown"])
