"""A SAM template with twelve functions and ten sources: its first deployment in a process, and each one after it.

The other side creates the same resources in moto from a template that was translated before, without any handlers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from benchmarks.harness import Comparison, Goal, Sample
from pytest_lambda_esm import FakeLambda

_HEAD = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: python3.12, Handler: app.handler, Timeout: 5, Environment: {Variables: {TABLE: !Ref Table}}}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      BillingMode: PAY_PER_REQUEST
      StreamSpecification: {StreamViewType: NEW_IMAGE}
"""
_FUNCTION = """
  Function{number}:
    Type: AWS::Serverless::Function
    Properties: {{CodeUri: src{number}, Policies: [DynamoDBCrudPolicy: {{TableName: !Ref Table}}], Events: {{{event}}}}}
"""
_QUEUE = "  Queue{number}: {{Type: AWS::SQS::Queue, Properties: {{VisibilityTimeout: 30}}}}\n"
_OF_QUEUE = "E: {{Type: SQS, Properties: {{Queue: !GetAtt Queue{number}.Arn}}}}"
_OF_TABLE = "E: {Type: DynamoDB, Properties: {Stream: !GetAtt Table.StreamArn, StartingPosition: LATEST}}"
_APP = "import json, boto3\nimport helper\n\ndef handler(event, context):\n    return helper.NUMBER\n"
_FIRST = """
import sys, time
from pytest_lambda_esm import FakeLambda
with FakeLambda(advice="off") as fake:
    fake.client("lambda")
    started = time.process_time()
    fake.deploy(sys.argv[1])
    print(time.process_time() - started)
"""


def comparisons() -> Iterator[Comparison]:
    with TemporaryDirectory() as folder:
        template = _write(Path(folder))
        against = "create_stack of the translation"
        yield Comparison(
            what="a template, first",
            ours=_first(template),
            against=against,
            other=_translated(template),
            rounds=5,
            goal=Goal("value", 1.0),
        )
        yield Comparison(
            what="a template, again",
            ours=_again(template),
            against=against,
            other=_translated(template),
            rounds=15,
            goal=Goal("value", 0.15),
        )


def _write(folder: Path) -> Path:
    text = _HEAD
    for number in range(12):
        source = folder / f"src{number}"
        source.mkdir()
        source.joinpath("app.py").write_text(_APP)
        source.joinpath("helper.py").write_text(f"NUMBER = {number}\n")
        event = _OF_QUEUE.format(number=number) if number < 9 else _OF_TABLE if number == 9 else ""
        text += (_QUEUE.format(number=number) if number < 9 else "") + _FUNCTION.format(number=number, event=event)
    template = folder / "template.yaml"
    template.write_text(text)
    return template


def _first(template: Path) -> Sample:
    def sample() -> float:
        command = [sys.executable, "-c", _FIRST, str(template)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    return sample


def _again(template: Path) -> Sample:
    def sample() -> float:
        with FakeLambda(advice="off") as fake:
            started = process_time()
            fake.deploy(template)
            return process_time() - started

    return sample


def _translated(template: Path) -> Sample:
    with FakeLambda(advice="off") as fake:
        stack = fake.deploy(template)
        body = fake.client("cloudformation").get_template(StackName=stack.name)["TemplateBody"]
    inline = {"ZipFile": "def handler(event, context): ..."}
    for resource in body["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = inline
    text = json.dumps(body)

    def sample() -> float:
        with FakeLambda(advice="off") as fake:
            started = process_time()
            fake.client("cloudformation").create_stack(StackName="shop", TemplateBody=text)
            return process_time() - started

    return sample
