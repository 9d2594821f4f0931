"""The examples of the page "Sweep every failure"."""

# [setup]
import time

import boto3
import pytest

from pytest_lambda_esm import SweepFailed, lost_response

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:orders"

# [/setup]


# [code under test]
def deploy(batch_size):
    """Bring a mapping into the requested state, whatever its state is now, and whatever fails meanwhile."""
    aws_lambda = boto3.client("lambda")
    for _ in range(20):
        try:
            found = aws_lambda.list_event_source_mappings(FunctionName="orders")["EventSourceMappings"]
            if not found:
                aws_lambda.create_event_source_mapping(EventSourceArn=QUEUE_ARN, FunctionName="orders")
            elif found[0]["State"] != "Enabled":
                pass  # it is on its way
            elif found[0]["BatchSize"] != batch_size:
                aws_lambda.update_event_source_mapping(UUID=found[0]["UUID"], BatchSize=batch_size)
            else:
                return
        except Exception as error:
            print(f"trying again after {error}")
        time.sleep(5)
    raise TimeoutError("the mapping does not settle")


# [/code under test]


# [sweep]
def test_the_deployment_survives_every_failure(lambda_esm):
    for run in lambda_esm.sweep(errors=("TooManyRequestsException", "AccessDeniedException", lost_response())):
        with run:
            boto3.client("sqs").create_queue(QueueName="orders")
            lambda_esm.function("orders", lambda event, context: None)

            deploy(batch_size=5)

            [mapping] = lambda_esm.mappings
            assert mapping.state == "Enabled"
            assert mapping.settings["BatchSize"] == 5


# [/sweep]


# [broken]
def test_what_a_sweep_finds(lambda_esm):
    def careless():
        boto3.client("lambda").create_event_source_mapping(EventSourceArn=QUEUE_ARN, FunctionName="orders")

    def sweep():
        for run in lambda_esm.sweep(errors=("TooManyRequestsException", lost_response())):
            with run:
                boto3.client("sqs").create_queue(QueueName="orders")
                lambda_esm.function("orders", lambda event, context: None)
                careless()

    with pytest.raises(SweepFailed) as caught:
        sweep()

    report = str(caught.value)
    assert report.startswith("sweep: 3 worlds, 2 broke")
    assert "An error occurred (ResourceConflictException)" in report  # the second attempt, after the lost answer
    assert "@pytest.mark.lambda_esm_fault('CreateEventSourceMapping', lost_response())" in report


# [/broken]


# [replay]
@pytest.mark.lambda_esm_fault("CreateEventSourceMapping", lost_response())
def test_one_world_alone(lambda_esm):
    worlds = 0
    for run in lambda_esm.sweep():
        with run:
            worlds += 1
            boto3.client("sqs").create_queue(QueueName="orders")
            lambda_esm.function("orders", lambda event, context: None)
            deploy(batch_size=5)
    assert worlds == 1


# [/replay]
