"""The marker lambda_esm_explore: several tests of one exploration."""

import pytest

BODY = """
import boto3, pytest

def handler(event, context):
    boto3.resource("dynamodb").Table("charges").update_item(
        Key={"id": "o"}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": 1})

@pytest.mark.lambda_esm_explore(24, at_most=1, parts=3, operations=["poller.InvokeEvent"])
def test_it(lambda_esm):
    worlds = 0
    for run in lambda_esm.explore():
        with run:
            worlds += 1
            lambda_esm.table("charges")
            lambda_esm.function("f", handler)
            boto3.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload="1")
            lambda_esm.run_until_idle()
            WHAT
    print(f"{worlds} worlds")
"""


def test_a_marked_test_becomes_several(pytester):
    pytester.makepyfile(BODY.replace("WHAT", "pass"))
    result = pytester.runpytest("-v", "-rP")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines_random([f"*test_it?part {number} of 3] PASSED*" for number in (1, 2, 3)])


def test_the_parts_share_the_troubles(pytester):
    pytester.makepyfile(BODY.replace("WHAT", 'print("struck", run.strikes.struck)'))
    result = pytester.runpytest("-rP", "-p", "no:randomly")
    struck = [line for line in result.outlines if line.startswith("struck [Struck")]
    assert len(struck) == 5
    assert len(set(struck)) == 5


@pytest.mark.slow
def test_the_outcome_is_the_same_in_several_processes(pytester):
    pytest.importorskip("xdist")
    pytester.makepyfile(BODY.replace("WHAT", "assert len(lambda_esm.invocations) == 1"))
    pytester.runpytest("-p", "no:randomly").assert_outcomes(failed=3)
    pytester.runpytest_subprocess("-n", "2", "-p", "no:randomly").assert_outcomes(failed=3)


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        ("0", "runs is a whole number from 1, not 0"),
        ("100, parts=1.5", "parts is a whole number from 1, not 1.5"),
        ("at_mots=2", "it takes no 'at_mots'. Did you mean 'at_most'?"),
        ("100, 3", "it takes the number of runs, and at_most, operations, parts by name"),
    ],
)
def test_mistakes_are_reported_at_collection(pytester, arguments, mistake):
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.lambda_esm_explore({arguments})
        def test_it(lambda_esm): pass
        """
    )
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*marker lambda_esm_explore: {mistake}*"])
