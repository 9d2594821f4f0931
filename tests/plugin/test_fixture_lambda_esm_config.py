OVERRIDE = """
import pytest

@pytest.fixture
def lambda_esm_config():
    return {settings}

def test_it(lambda_esm):
    {body}
"""


def test_an_override_reaches_the_fake(run):
    text = OVERRIDE.format(
        settings='{"region": "eu-west-1", "account_id": "111122223333"}',
        body="""
    import boto3
    assert boto3.client("lambda").meta.region_name == "eu-west-1"
    assert lambda_esm.function("f").arn == "arn:aws:lambda:eu-west-1:111122223333:function:f"
    url = boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    assert "111122223333" in url
""",
    )
    run(text).assert_outcomes(passed=1)


def test_a_wrong_setting_names_the_fixture_and_the_right_names(run):
    result = run(OVERRIDE.format(settings='{"sead": 7}', body="pass"))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*ConfigurationError: the fixture lambda_esm_config: there is no setting 'sead'. Did you mean 'seed'?*"]
    )
