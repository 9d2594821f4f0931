"""The marker lambda_esm_deploy deploys a template before the test."""

import pytest

pytest.importorskip("samtranslator")

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Size: {Type: Number, Default: 128}}
Resources:
  Queue: {Type: AWS::SQS::Queue}
  F:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.12, Handler: app.handler, CodeUri: src, MemorySize: !Ref Size}
"""
TESTS = """
    import boto3
    import pytest

    @pytest.mark.lambda_esm_deploy("template.yaml", stack_name="first")
    class TestBoth:
        def test_one(self, lambda_esm):
            (stack,) = lambda_esm.stacks
            boto3.client("lambda").invoke(FunctionName=stack.function("F").name)
            assert lambda_esm.invocations[0].result == 1

        @pytest.mark.lambda_esm_deploy("infra/template.yaml", parameters={"Size": 256})
        def test_two(self, lambda_esm):
            assert [stack.name for stack in lambda_esm.stacks] == ["first", "infra"]
            assert lambda_esm.stacks[1].resource("F").type == "AWS::Lambda::Function"

    @pytest.mark.lambda_esm_deploy("template.yaml", code={"F": lambda event, context: "bound"})
    def test_without_the_fixture():
        name = boto3.client("lambda").list_functions()["Functions"][0]["FunctionName"]
        assert boto3.client("lambda").invoke(FunctionName=name)["Payload"].read() == b'"bound"'
"""


def _write(pytester):
    for folder in (pytester.mkdir("tests"), pytester.mkdir("infra")):
        (folder / "template.yaml").write_text(TEMPLATE)
        (folder / "src").mkdir()
        (folder / "src" / "app.py").write_text("def handler(event, context): return 1\n")


def test_templates_are_found_beside_the_test_and_in_the_root_folder(pytester):
    _write(pytester)
    path = pytester.makepyfile(test_it=TESTS)
    path = path.rename(pytester.path / "tests" / "test_it.py")
    pytester.runpytest("-p", "no:randomly", path).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "it takes one template, such as lambda_esm_deploy('template.yaml')"),
        ("'nothing.yaml'", "there is no template 'nothing.yaml': looked for*"),
        ("{}, parameter={}", "it takes no 'parameter'. Did you mean 'parameters'?"),
    ],
    ids=["none", "missing", "option"],
)
def test_a_wrong_marker_ends_the_collection(pytester, arguments, message):
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.lambda_esm_deploy({arguments})
        def test_it(lambda_esm): ...
        """
    )
    result = pytester.runpytest()
    result.stderr.fnmatch_lines([f"*test_it: marker lambda_esm_deploy: {message}"])


def test_a_bad_template_is_an_error_of_the_setup(pytester):
    pytester.path.joinpath("bad.yaml").write_text("Resources:\n  A: {Type: AWS::No::Such}\n")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.lambda_esm_deploy("bad.yaml")
        def test_it(lambda_esm): ...
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*bad.yaml, line 2: these resources cannot be created here: A (AWS::No::Such)*"])
    result.stdout.no_fnmatch_line("*fake.deploy(template*")  # The source of the plugin helps nobody.
