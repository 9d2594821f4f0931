import pytest

TEST = """
def test_it(lambda_esm):
    assert lambda_esm.config.seed == {seed}
"""


def test_the_option_wins_over_the_ini_file(run):
    result = run(TEST.format(seed=9), "--lambda-esm-seed=9", ini="lambda_esm_seed = 5")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["lambda_esm: seed=9"])


def test_the_same_seed_gives_the_same_ids(run):
    text = """
    import boto3

    def test_it(lambda_esm):
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        print("ID", sqs.send_message(QueueUrl=url, MessageBody="x")["MessageId"])
    """

    def identifier(*options):
        return [line for line in run(text, "-s", *options).outlines if "ID " in line]

    assert identifier() == identifier()
    assert identifier() != identifier("--lambda-esm-seed=1")


def test_a_wrong_value_is_refused_at_start(run):
    result = run(TEST.format(seed=0), "--lambda-esm-seed=seven")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --lambda-esm-seed: seed = 'seven' cannot be used: *"])
