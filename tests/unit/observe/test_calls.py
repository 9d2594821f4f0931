import pytest

from pytest_lambda_esm import Call, Calls


def call(operation="GetFunction", **params):
    return Call(
        operation=operation,
        params=params,
        account_id="1",
        region="us-east-1",
        instant=0,
        request_id="r",
        status=200,
        error=None,
        attempt=1,
        logical_id="l",
    )


PARAMETERS = {
    "GetFunction": ["FunctionName", "Qualifier"],
    "CreateEventSourceMapping": ["FunctionName"],
    "ListFunctions": [],
}


@pytest.fixture
def calls():
    log = Calls(list(PARAMETERS), PARAMETERS.__getitem__)
    log._add(call(FunctionName="f"))
    log._add(call(FunctionName="g"))
    log._add(call("ListFunctions"))
    return log


def test_it_is_a_sequence(calls):
    assert len(calls) == 3
    assert calls[0].params == {"FunctionName": "f"}
    assert len(calls[1:]) == 2
    assert [each.operation for each in calls] == ["GetFunction", "GetFunction", "ListFunctions"]
    assert calls.last.operation == "ListFunctions"
    assert calls.last.at.year == 1970
    assert len(calls.of("GetFunction")) == 2


def test_there_must_be_a_last_one():
    with pytest.raises(AssertionError, match="no Lambda API call"):
        _ = Calls([], PARAMETERS.__getitem__).last


def test_what_was_called_passes(calls):
    calls.assert_called("GetFunction")
    calls.assert_called("GetFunction", times=2)
    calls.assert_called("GetFunction", times=1, FunctionName="f")
    calls.assert_called("CreateEventSourceMapping", times=0)


def test_the_message_says_why_each_call_does_not_match(calls):
    with pytest.raises(AssertionError) as info:
        calls.assert_called("GetFunction", FunctionName="h")
    assert str(info.value).splitlines() == [
        "expected GetFunction(FunctionName='h') to be called at least once; it was called 0 times.",
        "Its calls:",
        "  1. GetFunction(FunctionName='f') -> 200: FunctionName was 'f', not 'h'",
        "  2. GetFunction(FunctionName='g') -> 200: FunctionName was 'g', not 'h'",
    ]


def test_the_message_names_other_operations_when_there_was_no_call(calls):
    with pytest.raises(AssertionError, match="calls of others: GetFunction, ListFunctions"):
        calls.assert_called("CreateEventSourceMapping", times=1)


def test_a_misspelt_operation_is_refused(calls):
    with pytest.raises(AssertionError, match=r"no operation 'GetFunktion'\. Did you mean 'GetFunction'"):
        calls.assert_called("GetFunktion")


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("GetFunction", r"GetFunction has no parameter 'Functionname'\. Did you mean 'FunctionName'\?"),
        ("ListFunctions", r"ListFunctions has no parameter 'Functionname'\. It has none\."),
    ],
)
@pytest.mark.parametrize("times", [None, 0, 1])
def test_a_parameter_that_the_operation_does_not_have_is_refused(calls, operation, told, times):
    with pytest.raises(AssertionError, match=told) as info:
        calls.assert_called(operation, times=times, Functionname="f")
    assert info.traceback.filter(info)[-1].path.name == "test_calls.py"


def test_it_is_equal_to_a_list_of_its_calls(calls):
    assert calls == list(calls)
    assert calls == tuple(calls)
    assert calls != []
    assert calls != "calls"
    assert Calls([], PARAMETERS.__getitem__) == []
