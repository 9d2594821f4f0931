"""The recipes of the page on permissions. Each is a test, and the project runs them."""

# [setup]
import io
import json
import zipfile

import boto3
import pytest

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def deploy(*statements):
    """Create the function 'orders' with a role that has these statements, as a deployment does."""
    iam = boto3.client("iam")
    role = iam.create_role(RoleName="orders-role", AssumeRolePolicyDocument=policy(TRUST))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName="orders-role", PolicyName="rights", PolicyDocument=policy(*statements))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("app.py", "def handler(event, context):\n    return None\n")
    boto3.client("lambda").create_function(
        FunctionName="orders",
        Runtime="python3.12",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": archive.getvalue()},
    )


# [/setup]


# [enforce]
def archive(event, context):
    """Code under test."""
    boto3.client("s3").put_object(Bucket="archive", Key="order.json", Body=json.dumps(event))


@pytest.mark.lambda_esm(permissions="enforce")
def test_the_role_lets_the_handler_write(lambda_esm):
    boto3.client("s3").create_bucket(Bucket="archive")
    deploy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::archive/*"})
    lambda_esm.function("orders", archive)
    answer = boto3.client("lambda").invoke(FunctionName="orders", Payload=b"{}")
    error = json.load(answer["Payload"])["errorMessage"]
    assert "is not authorized to perform: s3:PutObject" in error  # The role lacks a right.


# [/enforce]


# [advise]
@pytest.mark.lambda_esm(permissions="advise")
def test_advice_names_the_statement(lambda_esm):
    boto3.client("s3").create_bucket(Bucket="archive")
    deploy()
    lambda_esm.function("orders", archive)
    answer = boto3.client("lambda").invoke(FunctionName="orders", Payload=b"{}")
    assert "FunctionError" not in answer
    [advice] = lambda_esm.take_advice()
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::archive/order.json"}
    assert json.dumps(statement) in str(advice)


# [/advise]


# [mapping]
@pytest.mark.lambda_esm(permissions="enforce")
def test_a_right_that_is_lost_and_given_back(lambda_esm):
    sqs, iam, aws_lambda = boto3.client("sqs"), boto3.client("iam"), boto3.client("lambda")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rights = {"Effect": "Allow", "Action": "sqs:*", "Resource": arn}
    deploy(rights)
    function = lambda_esm.function("orders", lambda event, context: None)
    uuid = aws_lambda.create_event_source_mapping(FunctionName="orders", EventSourceArn=arn)["UUID"]
    lambda_esm.clock.advance(60)

    iam.delete_role_policy(RoleName="orders-role", PolicyName="rights")
    sqs.send_message(QueueUrl=url, MessageBody="1")
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 0
    result = aws_lambda.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]
    assert result.startswith("PROBLEM: The function execution role does not have permissions to call ReceiveMessage")

    iam.put_role_policy(RoleName="orders-role", PolicyName="rights", PolicyDocument=policy(rights))
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 1


# [/mapping]


# [trigger]
@pytest.mark.lambda_esm(permissions="enforce")
def test_a_topic_needs_a_permission(lambda_esm):
    function = lambda_esm.function("orders", lambda event, context: None)
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    arn = boto3.client("lambda").get_function(FunctionName="orders")["Configuration"]["FunctionArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)

    sns.publish(TopicArn=topic, Message="lost")
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 0

    boto3.client("lambda").add_permission(
        FunctionName="orders",
        StatementId="news",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    sns.publish(TopicArn=topic, Message="delivered")
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 1


# [/trigger]
