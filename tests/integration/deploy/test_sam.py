"""SAM templates: functions run the source where it is, with the settings of the template."""

import base64
import json
import os
import sys

import boto3
import pytest

from pytest_lambda_esm import DeployError, HandlerError

QUEUE = """
    Transform: AWS::Serverless-2016-10-31
    Globals:
      Function: {Runtime: python3.12, Timeout: 7}
    Resources:
      Orders:
        Type: AWS::SQS::Queue
        Properties:
          VisibilityTimeout: 60
          RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}
      OrdersFunction:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: src/
          Handler: app.handler
          MemorySize: 256
          ReservedConcurrentExecutions: 5
          DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}
          LoggingConfig: {LogFormat: JSON}
          Environment: {Variables: {GREETING: !Sub "hello ${AWS::Region}"}}
          Events:
            Queue: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn, BatchSize: 5}}
      Dead: {Type: AWS::SQS::Queue}
    Outputs:
      Url: {Value: !Ref Orders}
"""
APP = """
    import os
    import helper
    seen = []

    def handler(event, context):
        seen.append(event)
        return [os.environ["GREETING"], helper.NAME, len(seen), __file__]
"""


def test_the_whole_chain_runs_from_the_template(lambda_esm, project):
    stack = lambda_esm.deploy(project(QUEUE, src__app_py=APP, src__helper_py="NAME = 'orders'"))
    assert stack.outputs == {"Url": stack.queue("Orders")}
    boto3.client("sqs").send_message(QueueUrl=stack.queue("Orders"), MessageBody="one")
    lambda_esm.clock.run_until_idle()
    (invocation,) = stack.function("OrdersFunction").invocations
    assert invocation.result[:3] == ["hello us-east-1", "orders", 1]
    assert invocation.mapping is stack.mapping("OrdersFunctionQueue")


@pytest.mark.parametrize("properties", ["", "\n          Properties: {}"], ids=["absent", "empty"])
def test_globals_may_have_all_that_a_function_needs(lambda_esm, project, properties):
    template = f"""
        Transform: AWS::Serverless-2016-10-31
        Globals:
          Function: {{Runtime: python3.12, CodeUri: src/, Handler: app.handler}}
        Resources:
          Count:
            Type: AWS::Serverless::Function{properties.replace("          ", "            ")}
    """
    stack = lambda_esm.deploy(project(template, src__app_py="def handler(event, context): return 1"))
    answer = boto3.client("lambda").invoke(FunctionName=stack.function("Count").name)
    assert answer["Payload"].read() == b"1"


def test_the_settings_of_the_template_reach_the_function(lambda_esm, project):
    stack = lambda_esm.deploy(project(QUEUE, src__app_py=APP, src__helper_py="NAME = 1"))
    function = boto3.client("lambda").get_function_configuration(FunctionName=stack.function("OrdersFunction").name)
    assert (function["Timeout"], function["MemorySize"]) == (7, 256)
    assert function["DeadLetterConfig"]["TargetArn"] == stack.resource("Dead").attribute("Arn")
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    concurrency = boto3.client("lambda").get_function_concurrency(FunctionName=function["FunctionName"])
    assert concurrency["ReservedConcurrentExecutions"] == 5
    assert stack.mapping("OrdersFunctionQueue").settings["BatchSize"] == 5


def test_the_source_runs_where_it_is(lambda_esm, project):
    template = project(QUEUE, src__app_py=APP, src__helper_py="NAME = 1")
    name = lambda_esm.deploy(template).function("OrdersFunction").name
    boto3.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert lambda_esm.invocations[0].result[3] == str(template.parent / "src" / "app.py")
    assert "app" not in sys.modules
    assert os.getcwd() != str(template.parent / "src")


def test_a_trace_has_the_paths_of_the_source(lambda_esm, project):
    app = "def handler(event, context):\n    raise ValueError(event)\n"
    template = project(QUEUE, src__app_py=app)
    function = lambda_esm.deploy(template).function("OrdersFunction")
    answer = boto3.client("lambda").invoke(FunctionName=function.name, Payload=b"1")
    assert str(template.parent / "src" / "app.py") in json.loads(answer["Payload"].read())["stackTrace"][0]


TWO = """
    Transform: AWS::Serverless-2016-10-31
    Globals: {Function: {Runtime: python3.12, Handler: app.handler}}
    Resources:
      One: {Type: AWS::Serverless::Function, Properties: {CodeUri: one}}
      Two: {Type: AWS::Serverless::Function, Properties: {CodeUri: two}}
"""


def test_modules_with_the_same_name_stay_apart(lambda_esm, project):
    app = "import helper\ncount = []\ndef handler(event, _):\n    count.append(1)\n    return helper.NAME, len(count)\n"
    stack = lambda_esm.deploy(
        project(TWO, one__app_py=app, one__helper_py="NAME = 'one'", two__app_py=app, two__helper_py="NAME = 'two'")
    )
    client = boto3.client("lambda")
    for name in ("One", "Two", "One"):
        client.invoke(FunctionName=stack.function(name).name)
    assert [each.result for each in lambda_esm.invocations] == [["one", 1], ["two", 1], ["one", 2]]


def test_handlers_of_the_test_take_the_place_of_code(lambda_esm, project):
    stack = lambda_esm.deploy(
        project(TWO, one__app_py="def handler(event, context):\n    return 'source'\n"),
        code={"Two": lambda event, context: "bound"},
    )
    client = boto3.client("lambda")
    for name in ("One", "Two"):
        client.invoke(FunctionName=stack.function(name).name)
    assert [each.result for each in lambda_esm.invocations] == ["source", "bound"]


def test_a_function_in_another_language_says_that_it_needs_a_handler(lambda_esm, project):
    template = """
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Web: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs22.x, Handler: i.h, CodeUri: nowhere}}
          Image: {Type: AWS::Serverless::Function, Properties: {PackageType: Image}}
    """
    stack = lambda_esm.deploy(project(template))
    client = boto3.client("lambda")
    for name, reason in (("Web", "nodejs22.x"), ("Image", "container image")):
        with pytest.raises(HandlerError, match=rf"{reason}.*code=\{{'{name}': handler\}}"):
            client.invoke(FunctionName=stack.function(name).name)


def test_layers_are_where_their_source_is(lambda_esm, project):
    template = """
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Plain: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: plain}}
          Built:
            Type: AWS::Serverless::LayerVersion
            Properties: {ContentUri: built}
            Metadata: {BuildMethod: python3.12}
          F:
            Type: AWS::Serverless::Function
            Properties:
              Runtime: python3.12
              Handler: app.handler
              CodeUri: src
              Layers:
                - !Ref Plain
                - !Ref Built
                - !Sub "arn:aws:lambda:${AWS::Region}:017000801446:layer:AWSLambdaPowertoolsPythonV3-python312-x86_64:7"
    """
    app = "import first, second\ndef handler(event, context):\n    return first.N + second.N\n"
    stack = lambda_esm.deploy(
        project(template, src__app_py=app, plain__python__first_py="N = 1", built__second_py="N = 2")
    )
    boto3.client("lambda").invoke(FunctionName=stack.function("F").name)
    assert lambda_esm.invocations[0].result == 3


def test_conditions_mappings_and_loops_are_decided_by_the_parameters(lambda_esm, project):
    template = """
        Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
        Parameters: {Stage: {Type: String, Default: dev}, Names: {Type: CommaDelimitedList, Default: "red,blue"}}
        Mappings: {Sizes: {dev: {Memory: 128}, prod: {Memory: 512}}}
        Conditions: {IsProd: !Equals [!Ref Stage, prod]}
        Resources:
          Alarm: {Type: AWS::Unknown::Thing, Condition: IsProd}
          F:
            Type: AWS::Serverless::Function
            DependsOn: Alarm
            Properties:
              Runtime: python3.12
              Handler: app.handler
              CodeUri: !If [IsProd, prod/, dev/]
              MemorySize: !FindInMap [Sizes, !Ref Stage, Memory]
              Description: !If [IsProd, yes, !Ref AWS::NoValue]
          Fn::ForEach::Queues:
            - Color
            - !Ref Names
            - "Queue${Color}": {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "q-${Color}"}}
    """
    stack = lambda_esm.deploy(project(template, dev__app_py="def handler(event, context): return 'dev'"))
    assert stack.queue("Queueblue").endswith("/q-blue")
    boto3.client("lambda").invoke(FunctionName=stack.function("F").name)
    assert lambda_esm.invocations[0].result == "dev"
    assert int(lambda_esm.invocations[0].context.memory_limit_in_mb) == 128


def test_nested_stacks_are_local_templates(lambda_esm, project, tmp_path):
    template = """
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Queue: {Type: AWS::SQS::Queue}
          Child:
            Type: AWS::Serverless::Application
            Properties: {Location: child/template.yaml, Parameters: {Arn: !GetAtt Queue.Arn}}
        Outputs: {Name: {Value: !GetAtt Child.Outputs.Name}}
    """
    (tmp_path / "child").mkdir()
    (tmp_path / "child" / "template.yaml").write_text("""
Transform: AWS::Serverless-2016-10-31
Parameters: {Arn: {Type: String}}
Resources:
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: ../src
      Events: {Q: {Type: SQS, Properties: {Queue: !Ref Arn}}}
Outputs: {Name: {Value: !Ref Worker}}
""")
    stack = lambda_esm.deploy(project(template, src__app_py="def handler(event, context): return 1"))
    worker = stack.nested("Child").function("Worker")
    assert stack.outputs == {"Name": worker.name}
    boto3.client("sqs").send_message(QueueUrl=stack.queue("Queue"), MessageBody="one")
    lambda_esm.clock.run_until_idle()
    assert len(worker.invocations) == 1


def test_http_events_are_left_out_with_advice(lambda_esm, project):
    template = """
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Api:
            Type: AWS::Serverless::Function
            Properties:
              Runtime: python3.12
              Handler: app.handler
              CodeUri: src
              FunctionUrlConfig: {AuthType: NONE}
              Events:
                Get: {Type: Api, Properties: {Path: /, Method: get}}
                Post: {Type: HttpApi, Properties: {Path: /, Method: post}}
        Outputs:
          Url: {Value: !Sub "https://${ServerlessRestApi}.execute-api.${AWS::Region}.amazonaws.com/Prod/"}
    """
    stack = lambda_esm.deploy(project(template, src__app_py="def handler(event, context): return 1"))
    boto3.client("lambda").invoke(FunctionName=stack.function("Api").name)
    assert "serverlessrestapi" in stack.outputs["Url"]
    (advice,) = lambda_esm.take_advice()
    assert "ServerlessRestApi (AWS::ApiGateway::RestApi)" in str(advice)
    with pytest.raises(DeployError, match="was left out of the stack"):
        stack.resource("ServerlessRestApi")


def test_types_are_left_out_on_request(lambda_esm, project):
    template = """
        Resources:
          Site: {Type: AWS::CloudFront::Distribution}
          Queue: {Type: AWS::SQS::Queue, DependsOn: Site, Properties: {QueueName: !Sub "q-${Site}"}}
    """
    path = project(template)
    with pytest.raises(DeployError, match=r"line 3: .*Site \(AWS::CloudFront::Distribution\).*skip="):
        lambda_esm.deploy(path)
    stack = lambda_esm.deploy(path, skip=["AWS::CloudFront::*"])
    assert stack.queue("Queue").endswith("/q-site")


def test_an_update_changes_code_and_settings(lambda_esm, project):
    app = "VALUE = {}\ndef handler(event, context):\n    return VALUE, context.memory_limit_in_mb\n"
    stack = lambda_esm.deploy(project(QUEUE, src__app_py=app.format(1)))
    client, name = boto3.client("lambda"), stack.function("OrdersFunction").name
    client.invoke(FunctionName=name)
    stack.update(project(QUEUE.replace("MemorySize: 256", "MemorySize: 512"), src__app_py=app.format(22)))
    client.invoke(FunctionName=name)
    assert [each.result[0] for each in lambda_esm.invocations] == [1, 22]
    assert client.get_function_configuration(FunctionName=name)["MemorySize"] == 512


def test_a_deleted_stack_leaves_nothing(lambda_esm, project):
    stack = lambda_esm.deploy(project(QUEUE, src__app_py=APP, src__helper_py="NAME = 1"))
    stack.delete()
    assert boto3.client("sqs").list_queues().get("QueueUrls", []) == []
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert lambda_esm.mappings == []


def test_a_template_is_deployed_twice_under_two_names(lambda_esm, project):
    template = project(QUEUE, src__app_py=APP, src__helper_py="NAME = 1")
    first, second = lambda_esm.deploy(template), lambda_esm.deploy(template)
    assert first.name != second.name
    assert lambda_esm.stacks == [first, second]


def test_a_version_and_its_alias_are_published(lambda_esm, project):
    template = QUEUE.replace("MemorySize: 256", "AutoPublishAlias: live")
    stack = lambda_esm.deploy(project(template, src__app_py=APP, src__helper_py="NAME = 1"))
    name = stack.function("OrdersFunction").name
    boto3.client("lambda").invoke(FunctionName=name, Qualifier="live")
    assert lambda_esm.invocations[0].context.function_version == "1"


def test_an_update_keeps_the_parameters_and_handlers_of_the_stack(lambda_esm, project):
    template = """
        Transform: AWS::Serverless-2016-10-31
        Parameters: {Size: {Type: Number}}
        Resources:
          F:
            Type: AWS::Serverless::Function
            Properties: {Runtime: python3.12, Handler: a.b, MemorySize: !Ref Size, Description: one}
    """
    sizes = []
    handlers = {"F": lambda event, context: sizes.append(int(context.memory_limit_in_mb))}
    stack = lambda_esm.deploy(project(template), parameters={"Size": 256}, code=handlers)
    stack.update(project(template.replace("one", "two")))
    configuration = boto3.client("lambda").get_function_configuration(FunctionName=stack.function("F").name)
    boto3.client("lambda").invoke(FunctionName=stack.function("F").name)
    assert (configuration["Description"], sizes) == ("two", [256])


def test_handlers_of_nested_functions_are_named_with_their_stack(lambda_esm, project, tmp_path):
    (tmp_path / "child.yaml").write_text("""
Transform: AWS::Serverless-2016-10-31
Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, Handler: a.b}}}
""")
    template = "Resources: {Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child.yaml}}}"
    stack = lambda_esm.deploy(project(template), code={"Child.F": lambda event, context: "bound"})
    boto3.client("lambda").invoke(FunctionName=stack.nested("Child").function("F").name)
    assert lambda_esm.invocations[0].result == "bound"


def test_the_source_may_be_the_folder_around_everything(lambda_esm, project):
    template = """
        Transform: AWS::Serverless-2016-10-31
        Resources:
          F:
            Type: AWS::Serverless::Function
            Properties: {Runtime: python3.12, Handler: shop/app.handler, CodeUri: .}
    """
    app = "from shop.names import NAME\nfrom . import names\ndef handler(event, context): return NAME, names.NAME\n"
    stack = lambda_esm.deploy(project(template, shop__app_py=app, shop__names_py="NAME = 1", conftest_py=""))
    boto3.client("lambda").invoke(FunctionName=stack.function("F").name)
    assert lambda_esm.invocations[0].result == [1, 1]
    assert "shop" not in sys.modules


def test_each_world_of_a_sweep_has_its_own_stack(lambda_esm, project):
    path = project(QUEUE, src__app_py=APP, src__helper_py="NAME = 1")
    names = []
    for world in lambda_esm.sweep(["TooManyRequestsException"], ["Invoke"], per="attempt"):
        with world:
            stack = lambda_esm.deploy(path)
            names.append(stack.name)
            boto3.client("lambda").invoke(FunctionName=stack.function("OrdersFunction").name)
            assert lambda_esm.stacks == [stack]
            assert lambda_esm.invocations[0].result[2] == 1
    assert len(set(names)) == 1
    assert len(names) > 1


def test_code_that_is_imported_sees_its_environment_and_the_virtual_time(lambda_esm, project):
    app = """
        import os
        import time
        STARTED, NAME = time.time(), os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        def handler(event, context): return STARTED, NAME
    """
    stack = lambda_esm.deploy(project(QUEUE, src__app_py=app))
    started = lambda_esm.clock.now.timestamp()
    lambda_esm.clock.advance(hours=1)
    name = stack.function("OrdersFunction").name
    boto3.client("lambda").invoke(FunctionName=name)
    assert lambda_esm.invocations[0].result == [started, name]
    assert "AWS_LAMBDA_FUNCTION_NAME" not in os.environ


def test_what_the_folder_lacks_is_advice_unless_a_build_adds_it(lambda_esm, project, tmp_path):
    app = "import hypothesis\ndef handler(event, context): return 1\n"
    lambda_esm.deploy(project(QUEUE, src__app_py=app))
    assert "imports 'hypothesis', which is not in its archive" in str(lambda_esm.take_advice())
    (tmp_path / "src" / "requirements.txt").write_text("hypothesis\n")
    lambda_esm.deploy(tmp_path / "template.yaml")
    assert lambda_esm.take_advice() == []


def test_a_changed_template_is_read_again(lambda_esm, project):
    path = project("Resources: {A: {Type: AWS::SQS::Queue}}")
    assert lambda_esm.deploy(path).queue("A")
    assert lambda_esm.deploy(project("Resources: {B: {Type: AWS::SQS::Queue}}")).queue("B")


@pytest.mark.parametrize("allowed", [True, False], ids=["allowed", "not-allowed"])
def test_what_the_roles_of_a_template_do_not_allow_is_advice(lambda_esm, project, allowed):
    policies = "Policies: [{SQSSendMessagePolicy: {QueueName: !GetAtt Mail.QueueName}}]" if allowed else ""
    template = f"""
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Mail: {{Type: AWS::SQS::Queue}}
          F:
            Type: AWS::Serverless::Function
            Properties:
              Runtime: python3.12
              Handler: app.handler
              CodeUri: src
              Environment: {{Variables: {{QUEUE: !Ref Mail}}}}
              {policies}
    """
    source = """
        import os
        import boto3
        def handler(event, context):
            boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="hello")
    """
    stack = lambda_esm.deploy(project(template, src__app_py=source))
    boto3.client("lambda").invoke(FunctionName=stack.function("F").name)
    advice = [str(each) for each in lambda_esm.take_advice() if each.code == "ESM143"]
    assert len(advice) == (not allowed)
    assert all('"Action": "sqs:SendMessage"' in each for each in advice)


WITHOUT_TRIGGERS = """
    Transform: AWS::Serverless-2016-10-31
    Resources:
      Fn:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: src/
          Handler: app.handler
          Runtime: python3.12
          AutoPublishAlias: live
          DeploymentPreference: {Type: Canary10Percent5Minutes, Alarms: [!Ref Errors]}
          Events:
            Queue: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn}}
            Device: {Type: IoTRule, Properties: {Sql: SELECT * FROM 'shop'}}
            Web: {Type: HttpApi}
      Orders: {Type: AWS::SQS::Queue}
      Users: {Type: AWS::Cognito::UserPool}
      Client: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Users, GenerateSecret: false}}
      Errors:
        Type: AWS::CloudWatch::Alarm
        Properties:
          AlarmName: errors
          ComparisonOperator: GreaterThanThreshold
          EvaluationPeriods: 1
          MetricName: Errors
          Namespace: AWS/Lambda
          Period: 60
          Statistic: Sum
          Threshold: 0
    Outputs:
      Client: {Value: !Ref Client}
"""


def test_what_does_not_trigger_functions_here_is_left_out_with_advice(lambda_esm, project):
    stack = lambda_esm.deploy(project(WITHOUT_TRIGGERS, src__app_py="def handler(event, context): return 1"))
    advice = "\n".join(str(advice) for advice in lambda_esm.take_advice() if advice.code == "ESM205")
    for left_out in (
        "ServerlessHttpApi (AWS::ApiGatewayV2::Api)",
        "FnDevice (AWS::IoT::TopicRule)",
        "FnDeploymentGroup (AWS::CodeDeploy::DeploymentGroup)",
        "An alias moves to the new version at once",
    ):
        assert left_out in advice
    alias = boto3.client("lambda").get_alias(FunctionName=stack.function("Fn").name, Name="live")
    assert alias["FunctionVersion"] == "1"
    assert [each["AlarmName"] for each in boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]] == ["errors"]
    assert stack.outputs["Client"] == stack.resource("Client").physical_id


INCLUDING = """
    Transform: [AWS::Serverless-2016-10-31, {Name: AWS::Include, Parameters: {Location: parts/more.yaml}}]
    Parameters: {Part: {Type: String, Default: queues}}
    Resources:
      Fn:
        Type: AWS::Serverless::Function
        Properties: {CodeUri: src/, Handler: app.handler, Runtime: python3.12}
      Local:
        Type: AWS::Serverless::HttpApi
        Properties:
          DefinitionBody: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: parts/api.yaml}}}
      Remote:
        Type: AWS::Serverless::Api
        Properties:
          StageName: prod
          Auth: {DefaultAuthorizer: AWS_IAM}
          DefinitionBody: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://bucket/api.yaml}}}
      Fn::Transform: {Name: AWS::Include, Parameters: {Location: !Sub "parts/${Part}.yaml"}}
"""


def test_local_files_are_included(lambda_esm, project, tmp_path):
    path = project(INCLUDING, src__app_py="def handler(event, context): return 1")
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "api.yaml").write_text("openapi: '3.0.1'\npaths: {}\n", encoding="utf-8")
    (parts / "more.yaml").write_text("Outputs: {Url: {Value: !Ref Orders}}\n", encoding="utf-8")
    (parts / "queues.yaml").write_text("Orders: {Type: AWS::SQS::Queue}\n", encoding="utf-8")
    stack = lambda_esm.deploy(path)
    assert stack.outputs == {"Url": stack.queue("Orders")}
    (parts / "more.yaml").write_text("Outputs: {Url: {Value: changed}}\n", encoding="utf-8")
    assert lambda_esm.deploy(path).outputs == {"Url": "changed"}
    lambda_esm.take_advice()


TYPED = """
    Transform: AWS::Serverless-2016-10-31
    Parameters: {On: {Type: String, Default: 'true'}, Seconds: {Type: Number, Default: 7}}
    Resources:
      Fn:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: src/
          Handler: app.handler
          Runtime: python3.12
          Timeout: !Ref Seconds
          MemorySize: "256"
          Environment: {Variables: {RATE: 0.1, COUNT: 0, DEBUG: true, QUIET: no, LIMIT: !Ref Seconds}}
          Events: {Queue: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn, Enabled: !Ref On}}}
      Orders: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 60}}
"""
TYPED_APP = """
    import os

    def handler(event, context):
        names = ("RATE", "COUNT", "DEBUG", "QUIET", "LIMIT")
        return [*(os.environ[name] for name in names), context.get_remaining_time_in_millis()]
"""


def test_values_have_the_types_of_the_api(lambda_esm, project):
    stack = lambda_esm.deploy(path := project(TYPED, src__app_py=TYPED_APP))
    client = lambda_esm.client("lambda")

    def answer():
        name = stack.function("Fn").name
        shown = client.get_function_configuration(FunctionName=name)
        return json.load(client.invoke(FunctionName=name)["Payload"]), shown["Timeout"], shown["MemorySize"]

    assert answer() == (["0.1", "0", "true", "false", "7", 7000], 7, 256)
    stack.update(path, parameters={"Seconds": 9})
    assert answer() == (["0.1", "0", "true", "false", "9", 9000], 9, 256)
    assert stack.mapping("FnQueue").state == "Enabled"


SENDERS = """
    Transform: AWS::Serverless-2016-10-31
    Resources:
      Orders: {Type: AWS::SQS::Queue}
      F:
        Type: AWS::Serverless::Function
        Properties:
          Runtime: python3.12
          InlineCode: "def handler(event, context): pass"
          Handler: index.handler
          Events:
            Rule: {Type: Schedule, Properties: {Schedule: rate(1 hour)}}
            Nightly: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour)}}
            Sold: {Type: EventBridgeRule, Properties: {Pattern: {source: [shop]}}}
      ToQueue:
        Type: AWS::Events::Rule
        Properties:
          ScheduleExpression: rate(1 hour)
          Targets: [{Id: one, Arn: !GetAtt Orders.Arn}]
      Role:
        Type: AWS::IAM::Role
        Properties:
          AssumeRolePolicyDocument:
            Statement: [{Effect: Allow, Principal: {Service: scheduler.amazonaws.com}, Action: sts:AssumeRole}]
      Hourly:
        Type: AWS::Scheduler::Schedule
        Properties:
          FlexibleTimeWindow: {Mode: "OFF"}
          ScheduleExpression: rate(1 hour)
          Target: {Arn: !GetAtt Orders.Arn, RoleArn: !GetAtt Role.Arn}
"""


def test_a_deployment_advises_on_what_its_rules_and_schedules_may_not_send(lambda_esm, project):
    stack = lambda_esm.deploy(project(SENDERS))
    boto3.client("events").put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])
    lambda_esm.clock.advance(hours=2)
    found = [str(advice) for advice in lambda_esm.take_advice() if advice.code == "ESM143"]
    assert len(stack.function("F").invocations) >= 5
    assert ["sqs:SendMessage" in text for text in found] == [True, True]


def test_the_first_invocation_of_deployed_code_is_a_cold_start(lambda_esm, project):
    template = QUEUE.replace("LoggingConfig: {LogFormat: JSON}", "Description: one")
    app = "def handler(event, context): return context.log_stream_name\n"
    stack = lambda_esm.deploy(project(template, src__app_py=app))
    function = stack.function("OrdersFunction")
    tails = []

    def invoke():
        answer = boto3.client("lambda").invoke(FunctionName=function.name, LogType="Tail")
        tails.append("Init Duration: 0.00 ms" in base64.b64decode(answer["LogResult"]).decode())

    invoke()
    invoke()
    stack.update(project(template, src__app_py=app))
    invoke()
    invoke()
    assert tails == [True, False, True, False]
    streams = [invocation.result for invocation in function.invocations]
    assert streams[0] == streams[1] != streams[2] == streams[3]


def test_properties_of_a_table_without_effect_are_advice(lambda_esm):
    table = {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "KinesisStreamSpecification": {"StreamArn": {"Fn::GetAtt": ["Changes", "Arn"]}},
    }
    template = {
        "Resources": {
            "Carts": {"Type": "AWS::DynamoDB::Table", "Properties": table},
            "Changes": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
        }
    }
    lambda_esm.deploy(template)
    (advice,) = lambda_esm.take_advice()
    about = (
        "KinesisStreamSpecification of the table 'Carts' has no effect: changes of the table do not reach the stream"
    )
    assert about in str(advice)


def test_a_stack_with_a_vpc_is_updated_and_deleted(lambda_esm):
    def template(**tags):
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        vpc = {"VpcId": {"Ref": "Vpc"}}
        resources = {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
            "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {**vpc, "CidrBlock": "10.0.0.0/24"}},
            "Routes": {"Type": "AWS::EC2::RouteTable", "Properties": {**vpc, "Tags": listed}},
            "Association": {
                "Type": "AWS::EC2::SubnetRouteTableAssociation",
                "Properties": {"SubnetId": {"Ref": "Subnet"}, "RouteTableId": {"Ref": "Routes"}},
            },
        }
        return {"Resources": resources}

    ec2 = lambda_esm.client("ec2")
    stack = lambda_esm.deploy(template(team="a", size="1"))
    routes = stack.resource("Routes").physical_id

    def tags():
        (table,) = ec2.describe_route_tables(RouteTableIds=[routes])["RouteTables"]
        return {tag["Key"]: tag["Value"] for tag in table["Tags"] if not tag["Key"].startswith("aws:")}

    assert tags() == {"team": "a", "size": "1"}
    stack.update(template(team="b"))
    assert tags() == {"team": "b"}
    stack.delete()
    assert [vpc["IsDefault"] for vpc in ec2.describe_vpcs()["Vpcs"]] == [True]
