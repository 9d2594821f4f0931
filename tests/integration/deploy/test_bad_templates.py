"""What is wrong with a template: the file, the line, the logical id, and what to do, at the test's line."""

import traceback

import pytest

from pytest_lambda_esm import ConfigurationError, DeployError, NotSimulated

FUNCTION = """
    Transform: AWS::Serverless-2016-10-31
    Parameters: {{Stage: {{Type: String, AllowedValues: [dev, prod], Default: dev}}}}
    Resources:
      F:
        Type: AWS::Serverless::Function
        Properties: {{Runtime: python3.12, Handler: {handler}, CodeUri: {uri}}}
"""

BAD = {
    "no YAML": ("Resources: [", r"line \d: it does not parse as a template"),
    "broken JSON": ('{"Resources": {\n"Q": {]}}', "line 2: it does not parse as a template"),
    "a list": ("- one", "a template is a mapping with Resources; this is list"),
    "a key twice": ("Resources:\n  A: {Type: T}\n  A: {Type: T}", "line 3: .*the key 'A' twice"),
    "no resources": ("Description: x", "the template has no Resources"),
    "no type": ("Resources:\n  A: {Properties: {}}", "line 2: the resource 'A' has no Type"),
    "an unknown reference": (
        "Resources:\n  Orders: {Type: AWS::SQS::Queue}\nOutputs:\n  Url: {Value: !Ref Order}",
        "line 4: output 'Url' refers to 'Order', .* Did you mean 'Orders'",
    ),
    "an unknown name in Sub": (
        'Resources:\n  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "${Stag}-q"}}',
        "line 2: resource 'Queue' refers to 'Stag'",
    ),
    "an unknown dependency": (
        "Resources:\n  Queue: {Type: AWS::SQS::Queue, DependsOn: Nothing}",
        "line 2: resource 'Queue' depends on 'Nothing'",
    ),
    "a cycle": (
        "Resources:\n  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt B.QueueName}}\n"
        "  B: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt A.QueueName}}",
        "line 2: resources that need each other: A -> B -> A",
    ),
    "conditions in a cycle": (
        "Conditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]\n"
        "Resources: {Q: {Type: AWS::SQS::Queue, Condition: A}}",
        "line 2: conditions that need each other: A -> B -> A",
    ),
    "an unknown condition": (
        "Conditions: {IsProd: !Equals [a, b]}\nResources: {Q: {Type: AWS::SQS::Queue, Condition: IsPord}}",
        "no condition 'IsPord'. Did you mean 'IsProd'",
    ),
    "a missing parameter": (
        "Parameters:\n  Stage: {Type: String}\nResources: {Q: {Type: AWS::SQS::Queue}}",
        r"line 2: the parameters 'Stage' have no default and no value: .*parameters=\{'Stage'",
    ),
    "a default that is not allowed": (
        "Parameters:\n  Stage: {Type: String, AllowedValues: [dev, prod], Default: test}\n"
        "Resources: {Q: {Type: AWS::SQS::Queue}}",
        "line 2: the parameter 'Stage' takes 'dev', 'prod', not 'test'",
    ),
    "one of a list that is not allowed": (
        "Parameters:\n  Stages: {Type: CommaDelimitedList, AllowedValues: [dev, prod], Default: 'dev, test'}\n"
        "Resources: {Q: {Type: AWS::SQS::Queue}}",
        "line 2: the parameter 'Stages' takes 'dev', 'prod', not 'test'",
    ),
    "a type that cannot be created": (
        "Resources:\n  Robot: {Type: AWS::RoboMaker::Robot}",
        r"line 2: these resources cannot be created here: Robot \(AWS::RoboMaker::Robot\).*skip=\['AWS::RoboMaker",
    ),
    "what CloudFormation refuses": (
        "Resources:\n  Ok: {Type: AWS::SQS::Queue}\n  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: 'a b'}}",
        r"line 3: Queue \(AWS::SQS::Queue\) could not be made: ",
    ),
    "what SAM refuses": (
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n"
        "    Properties: {Runtime: python3.12, Handler: a.b, CodeUri: ., Nonsense: 1}",
        r"line 3: SAM refuses the template: .*\[F\] is invalid.*Nonsense",
    ),
    "missing source": (
        FUNCTION.format(handler="app.handler", uri="nowhere"),
        "line 7: CodeUri of 'F' is 'nowhere', and there is no .*code=",
    ),
    "a missing module": (
        FUNCTION.format(handler="ap.handler", uri="src"),
        r"line 7: Handler of 'F' is 'ap.handler', and there is no '.*src/ap.py'. .* has app.py",
    ),
    "a handler without a module": (
        FUNCTION.format(handler="app", uri="src"),
        "line 7: .*Lambda takes 'module.function'",
    ),
    "a missing handler": (
        FUNCTION.format(handler="app.nothing", uri="src"),
        "line 5: the handler 'app.nothing' of 'F' does not import: .*Handler 'nothing' missing on module 'app'",
    ),
    "a serverless application": (
        "Transform: AWS::Serverless-2016-10-31\nResources:\n"
        "  App: {Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: a}}}",
        "line 3: the application 'App' is in the Serverless Application Repository",
    ),
    "an unknown mapping": (
        "Mappings: {M: {a: {b: c}}}\nResources: {Q: {Type: AWS::SQS::Queue, Properties:"
        " {QueueName: !FindInMap [M, a, x]}}}",
        "line 1: the template has no mapping M / a / x",
    ),
    "a parameter that the store lacks": (
        "Parameters:\n  P: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /no}\n"
        "Resources: {Q: {Type: AWS::SQS::Queue}}",
        "line 2: the parameter 'P' names the entry '/no' of the parameter store, which does not exist",
    ),
    "an unknown section": (
        "Resources: {Q: {Type: AWS::SQS::Queue}}\nOutput: {}",
        "line 2: a template has no section 'Output'. Did you mean 'Outputs'",
    ),
    "a logical id with a hyphen": (
        "Resources:\n  my-queue: {Type: AWS::SQS::Queue}",
        "line 2: the logical id 'my-queue' has other characters than letters and digits",
    ),
    "an output without a value": (
        "Resources: {Q: {Type: AWS::SQS::Queue}}\nOutputs:\n  Url: {Description: x}",
        "line 3: the output 'Url' has no Value",
    ),
    **{
        f"a call of {call.split()[0]}": (
            f"Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: {call}",
            f"line 5: Fn::{call.split()[0][1:]} takes {expected}, not ",
        )
        for call, expected in {
            "!GetAtt Q": "a logical id and an attribute, such as Queue.Arn",
            "!Sub [a]": "a text, or a list of a text and a mapping",
            "!Select [2, [a, b]]": "an index and a list that is long enough",
            "!Join ['-', a, b]": "a text and a list",
            "!Split ['-']": "two texts",
            "!FindInMap [M, a]": "a mapping and two keys",
            "!If [a, b]": "a condition and two values",
        }.items()
    },
    "a reference to a list": (
        "Resources: {Q: {Type: AWS::SQS::Queue}}\nOutputs:\n  Url:\n    Value: !Ref [Q]",
        r"line 4: Ref takes the name of a resource or parameter, not \['Q'\]",
    ),
    "an unknown function": (
        "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Joyn ['-', [a]]}}",
        "line 2: there is no function Fn::Joyn. Did you mean 'Fn::Join'",
    ),
    "a parameter of no type": (
        "Parameters:\n  Stage: {Default: x}\nResources: {Q: {Type: AWS::SQS::Queue}}",
        "line 2: the parameter 'Stage' has no Type; it takes String, Number",
    ),
    "a parameter of an unknown type": (
        "Parameters:\n  Stage: {Type: Text, Default: x}\nResources: {Q: {Type: AWS::SQS::Queue}}",
        "line 2: the parameter 'Stage' has the type 'Text'; it takes String, Number",
    ),
    **{
        f"a parameter beyond {limit}": (
            f"Parameters:\n  P: {{Type: {kind}, {limit}: 3, Default: {value}}}\n"
            "Resources: {Q: {Type: AWS::SQS::Queue}}",
            f"line 2: the parameter 'P' has {limit} 3, and is '{value}'",
        )
        for kind, limit, value in (
            ("String", "MinLength", "ab"),
            ("String", "MaxLength", "abcd"),
            ("Number", "MinValue", "2"),
            ("Number", "MaxValue", "4"),
        )
    },
    "SAM without its transform": (
        "Resources:\n  F: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, Handler: app.handler}}",
        "line 2: 'F' has a type of SAM, .* Add 'Transform: AWS::Serverless-2016-10-31'",
    ),
    "a type that SAM does not have": (
        "Transform: AWS::Serverless-2016-10-31\nResources:\n"
        "  F: {Type: AWS::Serverless::Fuction, Properties: {CodeUri: src}}",
        "line 3: 'F' has the type 'AWS::Serverless::Fuction', .* Did you mean 'AWS::Serverless::Function'",
    ),
    "a misspelt runtime": (
        FUNCTION.format(handler="app.handler", uri="src").replace("python3.12", "pyhton3.12"),
        "line [0-9]+: Runtime of 'F' is 'pyhton3.12', which Lambda does not have. Did you mean 'python'",
    ),
    "missing content of a layer": (
        "Transform: AWS::Serverless-2016-10-31\nResources:\n"
        "  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: nowhere}}",
        "line 3: ContentUri of 'L' is 'nowhere', and there is no .*Paths are relative to the template's folder$",
    ),
    "source that is a module": (
        FUNCTION.format(handler="app.handler", uri="src/app.py"),
        "line 7: CodeUri of 'F' is 'src/app.py', which is neither a folder nor a zip file. .*code=",
    ),
    "a nested stack in itself": (
        "Resources:\n  N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: template.yaml}}",
        "line 2: the nested stack 'N' has the template '.*template.yaml', which it is in itself",
    ),
    "a missing file to include": (
        "Resources:\n  Fn::Transform:\n    Name: AWS::Include\n    Parameters: {Location: parts/no.yaml}",
        "line 1: AWS::Include names 'parts/no.yaml', and there is no '.*/parts/no.yaml'",
    ),
    "a macro": (
        "Transform: [Shrink]\nResources: {Q: {Type: AWS::SQS::Queue}}",
        "line 1: the macro 'Shrink' does not run here.*--template-stage Processed",
    ),
    "a macro in a part": (
        "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: {Fn::Transform: {Name: Named}}}}",
        "line 2: the macro 'Named' does not run here",
    ),
    "a missing nested template": (
        "Resources:\n  N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: n.yaml}}",
        "line 2: the nested stack 'N' has the template 'n.yaml', and there is no",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_template_is_refused_at_its_line(lambda_esm, project, case):
    template, message = BAD[case]
    path = project(template, src__app_py="def handler(event, context): return 1")
    with pytest.raises(DeployError, match=message) as caught:
        lambda_esm.deploy(path)
    assert str(caught.value).startswith(str(path))
    assert lambda_esm.client("cloudformation").describe_stacks()["Stacks"] == []


@pytest.mark.parametrize(
    ("source", "message", "shown"),
    [
        ("import nothing_like_it\n", "No module named 'nothing_like_it'", "import nothing_like_it"),
        ("def handler(:\n", "Syntax error in module 'app'", ""),
        ("def f():\n    return 1 / 0\nf()\n", "division by zero", "return 1 / 0"),
        ("import os\nos.environ['MISSING']\n", "MISSING", "os.environ['MISSING']"),
        ("raise SystemExit(3)\n", "the module exits", "raise SystemExit"),
    ],
    ids=["import", "syntax", "division", "variable", "exit"],
)
def test_a_handler_that_does_not_import_fails_the_deployment(lambda_esm, project, source, message, shown):
    path = project(FUNCTION.format(handler="app.handler", uri="src"), src__app_py=source)
    with pytest.raises(DeployError, match=r"the handler 'app.handler' of 'F' does not import") as caught:
        lambda_esm.deploy(path)
    assert message in str(caught.value)
    assert shown in str(caught.value)
    assert lambda_esm.client("lambda").list_functions()["Functions"] == []


@pytest.mark.lambda_esm(permissions="off")
def test_an_aws_call_on_import_is_left_to_the_first_invocation(lambda_esm, project):
    source = """
        import boto3
        URL = boto3.client("sqs").get_queue_url(QueueName="later")["QueueUrl"]
        def handler(event, context): return URL
    """
    stack = lambda_esm.deploy(project(FUNCTION.format(handler="app.handler", uri="src"), src__app_py=source))
    url = lambda_esm.client("sqs").create_queue(QueueName="later")["QueueUrl"]
    lambda_esm.client("lambda").invoke(FunctionName=stack.function("F").name)
    assert lambda_esm.invocations[0].result == url


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameters": {"Stag": "dev"}}, "no parameter 'Stag'. Did you mean 'Stage'"),
        ({"parameters": {"Stage": "test"}}, "the parameter 'Stage' takes 'dev', 'prod', not 'test'"),
        ({"code": {"G": print}}, "code= names 'G', which is not a function of the template. Its functions are: F"),
    ],
    ids=["parameter", "value", "code"],
)
def test_options_that_do_not_fit_are_refused(lambda_esm, project, options, message):
    path = project(FUNCTION.format(handler="app.handler", uri="src"), src__app_py="def handler(e, c): return 1")
    with pytest.raises(DeployError, match=message):
        lambda_esm.deploy(path, **options)


def test_a_template_that_does_not_exist_is_refused(lambda_esm, tmp_path):
    with pytest.raises(DeployError, match=r"there is no template .*nothing.yaml"):
        lambda_esm.deploy(tmp_path / "nothing.yaml")
    with pytest.raises(DeployError, match=r"has no template.yaml, no cdk.out .* and no .serverless"):
        lambda_esm.deploy(tmp_path)
    with pytest.raises(ConfigurationError, match="the path of a template, or a dictionary, not 7"):
        lambda_esm.deploy(7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"skip": "AWS::No::*"}, "skip takes a list"),
        ({"code": print}, "code takes a dictionary"),
        ({"stack_name": "my shop"}, "stack_name takes letters, digits and hyphens, .* not 'my shop'"),
    ],
    ids=["skip", "code", "name"],
)
def test_options_of_another_type_are_refused(lambda_esm, options, message):
    with pytest.raises(ConfigurationError, match=message):
        lambda_esm.deploy({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}, **options)


def test_a_name_that_is_taken_leaves_the_first_stack_as_it_is(lambda_esm):
    template = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}
    first = lambda_esm.deploy(template, stack_name="shop")
    with pytest.raises(DeployError, match="shop already exists"):
        lambda_esm.deploy(template, stack_name="shop")
    assert first.queue("Q") in lambda_esm.client("sqs").list_queues()["QueueUrls"]


def test_the_error_is_at_the_line_of_the_test(lambda_esm, project):
    with pytest.raises(DeployError) as caught:
        lambda_esm.deploy(project("Resources: ["))
    shown = [frame for frame in traceback.walk_tb(caught.tb) if not frame[0].f_locals.get("__tracebackhide__")]
    assert shown[-1][0].f_code.co_filename == __file__


def test_what_a_stack_lacks_is_an_error_with_what_it_has(lambda_esm, project):
    stack = lambda_esm.deploy(project("Resources: {Orders: {Type: AWS::SQS::Queue}}"))
    with pytest.raises(DeployError, match=r"no resource 'Order'. Did you mean 'Orders'"):
        stack.resource("Order")
    with pytest.raises(DeployError, match=r"'Orders' is not a resource of type AWS::Lambda::Function: it is AWS::SQS"):
        stack.function("Orders")
    with pytest.raises(DeployError, match=r"'Orders' .* has no attribute 'Nothing'"):
        stack.resource("Orders").attribute("Nothing")
    assert str(stack.resource("Orders")) == stack.queue("Orders")


def test_lists_and_patterns_of_java_are_allowed_as_parameters(lambda_esm):
    stages = {"Type": "CommaDelimitedList", "AllowedValues": ["dev", "prod"], "Default": "prod,dev"}
    name = {"Type": "String", "AllowedPattern": "\\p{Alpha}+", "Default": "shop"}
    template = {"Parameters": {"Stages": stages, "Name": name}, "Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}
    assert lambda_esm.deploy(template, parameters={"Stages": "dev, prod"}).queue("Q")


def test_what_is_not_simulated_names_the_resource_and_leaves_no_stack(lambda_esm):
    queue = {"Type": "AWS::SQS::Queue"}
    thing = {"Type": "Custom::Thing", "Properties": {"ServiceToken": "arn:aws:sns:us-east-1:123456789012:topic"}}
    with pytest.raises(NotSimulated, match=r"Thing \(Custom::Thing\) .*[^.]\. Or leave .* skip=\['Custom::Thing'\]"):
        lambda_esm.deploy({"Resources": {"Queue": queue, "Thing": thing}})
    assert lambda_esm.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_failed_update_leaves_the_parameters_and_handlers_of_its_stack(lambda_esm):
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
    properties = {"Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Handler": "a.b", "Runtime": "python3.12", "Code": "."}
    function = {"Type": "AWS::Lambda::Function", "Properties": properties}
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": {"Ref": "Delay"}}}
    resources = {"Role": role, "F": function, "Q": queue}
    template = {"Parameters": {"Delay": {"Type": "Number"}}, "Resources": resources}
    stack = lambda_esm.deploy(template, parameters={"Delay": 5}, code={"F": lambda event, context: "first"})
    failing = {**template, "Resources": {**resources, "T": {"Type": "AWS::SNS::Subscription", "Properties": {}}}}
    with pytest.raises(DeployError, match="T "):
        stack.update(failing, parameters={"Delay": 7}, code={"F": lambda event, context: "second"})
    stack.update({**template, "Description": "another"})
    attributes = lambda_esm.client("sqs").get_queue_attributes(QueueUrl=stack.queue("Q"), AttributeNames=["All"])
    assert attributes["Attributes"]["DelaySeconds"] == "5"
    answer = lambda_esm.client("lambda").invoke(FunctionName=stack.function("F").name)
    assert answer["Payload"].read() == b'"first"'


INNER = "Parameters: {P: {Type: String}}\nResources: {Q: {Type: AWS::SQS::Queue}}\nOutputs: {Url: {Value: !Ref Q}}"
NESTED = "Resources:\n  N:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: inner.yaml%s}\n%s"


@pytest.mark.parametrize(
    ("given", "outputs", "message"),
    [
        ("", "", "line 2: the nested stack 'N' lacks the parameters 'P' of .*inner.yaml, which have no default"),
        (", Parameters: {P: 1, R: 2}", "", "inner.yaml, line 1: the template has no parameter 'R'"),
        (
            ", Parameters: {P: 1}",
            "Outputs:\n  A: {Value: !GetAtt N.Outputs.Ur}",
            "line 6: output 'A' uses the output 'Ur' of the nested stack 'N', .* Did you mean 'Url'",
        ),
    ],
    ids=["missing parameter", "surplus parameter", "unknown output"],
)
def test_what_does_not_fit_a_nested_stack_is_refused(lambda_esm, project, tmp_path, given, outputs, message):
    path = project(NESTED % (given, outputs))
    (tmp_path / "inner.yaml").write_text(INNER)
    with pytest.raises(DeployError, match=message):
        lambda_esm.deploy(path)


def test_a_handler_in_a_nested_stack_is_bound_by_its_path(lambda_esm, project, tmp_path):
    path = project("Resources: {N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: inner.yaml}}}")
    for uri in ("nowhere", "src"):
        (tmp_path / "inner.yaml").write_text(FUNCTION.format(handler="app.handler", uri=uri))
        project(path.read_text(), src__app_py="import nothing_like_it\n")
        with pytest.raises(DeployError, match=r"inner.yaml, line \d+: (?s:.*)code=\{'N.F': handler\}"):
            lambda_esm.deploy(path)
