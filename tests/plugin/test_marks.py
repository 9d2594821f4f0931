"""The markers as functions with types: the same markers, with the signatures of what they stand for."""

import inspect

import pytest

from pytest_lambda_esm import FakeLambda, FaultPlan, lost_response, marks


def test_a_function_returns_the_marker_that_it_stands_for():
    assert marks.settings(seed=7).mark == pytest.mark.lambda_esm(seed=7).mark
    error = lost_response()
    expected = pytest.mark.lambda_esm_fault("Invoke", error, times=None, per="call")
    assert marks.fault("Invoke", error, times=None, per="call").mark == expected.mark
    assert marks.deploy("template.yaml", stack_name="shop").mark.kwargs["stack_name"] == "shop"


@pytest.mark.parametrize(("function", "method"), [(marks.fault, FaultPlan.add), (marks.deploy, FakeLambda.deploy)])
def test_a_function_takes_what_its_method_takes(function, method):
    own = inspect.signature(function).parameters.values()
    [_, *others] = inspect.signature(method).parameters.values()
    assert [str(parameter) for parameter in own] == [
        str(parameter).replace("ReadOnly", "Mapping") for parameter in others
    ]


def test_markers_of_functions_work_as_others(pytester):
    pytester.makepyfile(
        """
        import boto3
        import pytest
        from botocore.exceptions import ClientError
        from pytest_lambda_esm import marks

        @marks.settings(region="eu-west-1")
        @marks.fault("ListFunctions", "ServiceException", times=None)
        def test_marked(lambda_esm):
            assert boto3.client("sqs").meta.region_name == "eu-west-1"
            with pytest.raises(ClientError, match="ServiceException"):
                lambda_esm.client("lambda").list_functions()
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_mistakes_are_reported_at_collection(pytester):
    pytester.makepyfile(
        """
        from pytest_lambda_esm import marks

        @marks.settings(regoin="eu-west-1")
        def test_marked(lambda_esm): ...
        """
    )
    result = pytester.runpytest()
    result.stderr.fnmatch_lines(["*there is no setting 'regoin'. Did you mean 'region'?*"])
