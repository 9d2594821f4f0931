TEST = """
import boto3

def test_it(lambda_esm):
    sqs, aws_lambda = boto3.client("sqs"), boto3.client("lambda")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function = lambda_esm.function("orders", lambda event, context: "the handler's own")
    aws_lambda.create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    lambda_esm.clock.run_until_idle()
    print("RESULT", function.invocations[0].result)
"""


def test_all_of_them_are_called(pytester, run):
    pytester.makeconftest(
        """
        def pytest_lambda_esm_configure(fake, request): print("CONFIGURE", request.node.name, len(fake.timeline))
        def pytest_lambda_esm_call(call, fake): print("CALL", call.operation, call.status, len(fake.calls))
        def pytest_lambda_esm_transition(mapping, transition, fake): print("STATE", transition.state, mapping.state)
        """
    )
    result = run(TEST, "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*CONFIGURE test_it 0",
            "STATE Creating Creating",
            "CALL CreateEventSourceMapping 202 1",
            "STATE Enabled Enabled",
            "RESULT the handler's own",
        ]
    )


def test_a_wrapper_sees_the_handler_begin_and_end(pytester, run):
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_lambda_esm_invoke(invocation, fake):
            print("BEGIN", invocation.function, invocation.attempt, invocation.context.function_name)
            result = yield
            print("END", result.value)
            return result
        """
    )
    result = run(TEST, "-s")
    result.stdout.fnmatch_lines(["*BEGIN orders 1 orders", "END the handler's own", "RESULT the handler's own"])


def test_another_result_may_take_the_handlers_place(pytester, run):
    pytester.makeconftest(
        """
        from pytest_lambda_esm import HandlerResult

        def pytest_lambda_esm_invoke(invocation, fake):
            return HandlerResult("another")
        """
    )
    run(TEST, "-s").stdout.fnmatch_lines(["*RESULT another"])


def test_the_timeline_may_be_edited(pytester, run):
    pytester.makeconftest(
        """
        def pytest_lambda_esm_timeline(entries, fake):
            entries[:] = [entry for entry in entries if entry.kind == "transition"]
        """
    )
    text = run(TEST + "\n    assert False").stdout.str()
    assert "  transition  " in text
    assert "  poll  " not in text


def test_a_folders_conftest_hears_of_its_own_tests_only(pytester):
    for folder in ("a", "b"):
        pytester.mkpydir(folder)
        pytester.path.joinpath(folder, f"test_{folder}.py").write_text(
            "def test_it(lambda_esm_client): lambda_esm_client.list_event_source_mappings()"
        )
    pytester.path.joinpath("a", "conftest.py").write_text(
        "def pytest_lambda_esm_call(call, fake): print('HEARD', call.operation)"
    )
    result = pytester.runpytest_inprocess("-s", "-p", "no:randomly", "-p", "no:xdist")
    result.assert_outcomes(passed=2)
    assert result.stdout.str().count("HEARD") == 1


def test_a_misspelt_argument_is_named_by_pytest(pytester, run):
    pytester.makeconftest("def pytest_lambda_esm_call(cal): pass")
    result = run(TEST)
    assert result.ret != 0
    assert "cal" in result.stdout.str() + result.stderr.str()


def test_an_exception_in_a_hook_fails_the_test(pytester, run):
    pytester.makeconftest("def pytest_lambda_esm_transition(mapping): raise RuntimeError('from the hook')")
    result = run(TEST)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*RuntimeError: from the hook*"])
