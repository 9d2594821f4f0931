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


def test_an_override_may_be_a_config(run):
    text = OVERRIDE.format(
        settings='__import__("pytest_lambda_esm").Config(seed=9)', body="assert lambda_esm.config.seed == 9"
    )
    run(text, ini="lambda_esm_seed = 1").assert_outcomes(passed=1)


def test_an_override_that_returns_nothing_is_an_error(run):
    result = run(OVERRIDE.format(settings="None", body="pass"))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*ConfigurationError: the fixture lambda_esm_config: expected settings by name*or a Config, not None*"]
    )


def test_transitions_are_merged_one_by_one(run):
    text = OVERRIDE.format(
        settings='{"transitions": {"creating": 60}}',
        body="""
    times = lambda_esm.config.transitions
    assert (times.creating, times.updating, times.deleting) == (60, 7, 5)
""",
    )
    run(text, ini="lambda_esm_transitions =\n    creating = 30\n    updating = 7").assert_outcomes(passed=1)


def test_a_marker_wins_over_an_override_setting_by_setting(run):
    text = """
    import pytest

    @pytest.fixture
    def lambda_esm_config():
        return {"seed": 4, "region": "eu-west-1", "transitions": {"creating": 60, "deleting": 70}}

    @pytest.mark.lambda_esm(seed=9, transitions={"creating": 1})
    def test_marked(lambda_esm):
        assert (lambda_esm.config.seed, lambda_esm.region) == (9, "eu-west-1")
        times = lambda_esm.config.transitions
        assert (times.creating, times.deleting) == (1, 70)

    def test_plain(lambda_esm):
        assert lambda_esm.config.seed == 4
        assert lambda_esm.config.transitions.creating == 60
    """
    run(text, "--lambda-esm-seed=2", ini="lambda_esm_seed = 1").assert_outcomes(passed=2)
