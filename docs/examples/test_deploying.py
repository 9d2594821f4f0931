"""Recipes for code that deploys mappings. Each is a test, and the project runs them."""

# [setup]
import json

import boto3
import pytest
from botocore.exceptions import ClientError

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
CLUSTER = "arn:aws:kafka:us-east-1:123456789012:cluster/orders/0123-4567"


def deploy(source_arn, **settings):
    """The code under test: create the mapping, or update the existing one."""
    aws_lambda = boto3.client("lambda")
    wanted = {"FunctionName": "orders", **settings}
    try:
        return aws_lambda.create_event_source_mapping(EventSourceArn=source_arn, **wanted)["UUID"]
    except aws_lambda.exceptions.ResourceConflictException:
        found = aws_lambda.list_event_source_mappings(EventSourceArn=source_arn, FunctionName="orders")
        (mapping,) = found["EventSourceMappings"]
        aws_lambda.update_event_source_mapping(UUID=mapping["UUID"], **wanted)
        return mapping["UUID"]


# [/setup]


# [redeploy]
def test_a_second_deployment_updates_the_mapping(lambda_esm):
    boto3.client("sqs").create_queue(QueueName="orders")
    lambda_esm.function("orders")

    uuid = deploy(QUEUE, BatchSize=5)
    lambda_esm.clock.advance(seconds=10)

    assert deploy(QUEUE, BatchSize=10) == uuid
    assert lambda_esm.mapping(uuid).state == "Updating"


# [/redeploy]


# [settings]
@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"BatchSize": 100}, "batch window"),
        ({"MaximumRetryAttempts": 3}, "Unsupported 'maximumRetryAttempts'"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"body": "gold"}'}]}}, "Invalid filter pattern"),
    ],
)
def test_settings_that_a_queue_does_not_have(lambda_esm, settings, complaint):
    boto3.client("sqs").create_queue(QueueName="orders")
    lambda_esm.function("orders")

    with pytest.raises(ClientError, match=complaint):
        deploy(QUEUE, **settings)


# [/settings]


# [service]
def test_the_service_disables_a_mapping(lambda_esm):
    lambda_esm.function("orders")
    uuid = deploy(CLUSTER, Topics=["orders"], StartingPosition="LATEST")
    lambda_esm.clock.advance(seconds=10)

    lambda_esm.mapping(uuid).force(
        "Disabled", reason="EVENT_SOURCE_AUTHZ_ERROR", result="PROBLEM: Cluster failed to authorize Lambda"
    )

    mapping = boto3.client("lambda").get_event_source_mapping(UUID=uuid)
    assert mapping["State"] == "Disabled"
    assert mapping["StateTransitionReason"] == "EVENT_SOURCE_AUTHZ_ERROR"


# [/service]


# [stack]
def test_a_stack_makes_the_mapping(lambda_esm):
    lambda_esm.function("orders")
    template = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}},
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "FunctionName": "orders",
                    "BatchSize": 5,
                },
            },
        }
    }
    boto3.client("cloudformation").create_stack(StackName="shop", TemplateBody=json.dumps(template))

    (mapping,) = lambda_esm.mappings
    assert (mapping.state, mapping.settings["BatchSize"]) == ("Enabled", 5)


# [/stack]


# [limits]
@pytest.mark.lambda_esm(limits="2020")
def test_with_the_limits_of_2020(lambda_esm):
    boto3.client("sqs").create_queue(QueueName="orders")
    lambda_esm.function("orders")

    with pytest.raises(ClientError, match="between 1 and 10"):
        deploy(QUEUE, BatchSize=11)


# [/limits]
