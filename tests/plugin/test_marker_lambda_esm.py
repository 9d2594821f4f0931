import pytest


def test_the_nearest_marker_wins(run):
    result = run(
        """
        import pytest
        pytestmark = pytest.mark.lambda_esm(seed=1, region="eu-west-1")

        @pytest.mark.lambda_esm(seed=2)
        class TestIt:
            @pytest.mark.lambda_esm(seed=3)
            def test_function(self, lambda_esm):
                assert (lambda_esm.config.seed, lambda_esm.region) == (3, "eu-west-1")

            def test_class(self, lambda_esm):
                assert lambda_esm.config.seed == 2

        def test_module(lambda_esm):
            assert lambda_esm.config.seed == 1
        """
    )
    result.assert_outcomes(passed=3)


def test_a_marked_test_needs_not_name_the_fixture(run):
    result = run(
        """
        import boto3, pytest

        @pytest.mark.lambda_esm(region="eu-west-1")
        def test_it():
            assert boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
        """
    )
    result.assert_outcomes(passed=1)


def test_a_marked_tests_fake_comes_after_wider_fixtures_and_before_its_own(run):
    result = run(
        """
        import time
        import pytest
        from pytest_lambda_esm import FakeLambda

        def is_frozen():
            return time.time() == 1767225600

        @pytest.fixture(scope="session", autouse=True)
        def of_session():
            assert not is_frozen()

        @pytest.fixture(scope="module")
        def of_module(of_session):
            assert not is_frozen()

        @pytest.fixture(scope="class")
        def of_class():
            assert not is_frozen()

        @pytest.fixture(autouse=True)
        def always():
            assert is_frozen()

        @pytest.fixture
        def own(of_module):
            return is_frozen()

        @pytest.mark.lambda_esm(seed=3)
        class TestIt:
            @pytest.mark.parametrize("number", [1, 2])
            def test_it(self, own, of_class, number):
                assert own

            def test_alone(self):
                assert is_frozen()
        """
    )
    result.assert_outcomes(passed=3)


def test_a_marked_test_lives_inside_the_mock_of_its_module(run):
    result = run(
        """
        import boto3, pytest
        from moto import mock_aws

        @pytest.fixture(scope="module", autouse=True)
        def queues():
            with mock_aws():
                boto3.client("sqs", region_name="us-east-1").create_queue(QueueName="orders")
                yield

        @pytest.mark.lambda_esm(seed=3)
        def test_first():
            assert boto3.client("sqs").list_queues()["QueueUrls"]

        @pytest.mark.lambda_esm(seed=3)
        def test_second(lambda_esm):
            assert boto3.client("sqs").list_queues()["QueueUrls"]
        """
    )
    result.assert_outcomes(passed=2)


def test_a_wrong_setting_is_refused_at_collection(run):
    result = run(
        """
        import pytest

        @pytest.mark.lambda_esm(transitions={"creatin": 3})
        def test_it(lambda_esm): pass
        """
    )
    result.stderr.fnmatch_lines(["ERROR: *::test_it: marker lambda_esm: transitions = * Did you mean 'creating'?"])


def test_a_wrong_setting_of_several_tests_is_reported_once(run):
    result = run(
        """
        import pytest
        pytestmark = pytest.mark.lambda_esm(sead=3)

        def test_one(): pass
        def test_two(): pass
        def test_three(): pass
        """
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    errors = [line for line in result.errlines if "there is no setting 'sead'" in line]
    assert len(errors) == 1
    assert errors[0].endswith("(the same in 2 more tests)")
    assert "::test_one: " in errors[0]


def test_a_positional_argument_is_refused_at_collection(run):
    result = run(
        """
        import pytest

        @pytest.mark.lambda_esm(7)
        def test_it(lambda_esm): pass
        """
    )
    result.stderr.fnmatch_lines(["ERROR: *::test_it: the marker lambda_esm takes settings by name*not 7"])


def test_it_is_registered(run):
    result = run("def test_it(): pass", "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.lambda_esm(*settings): settings of the lambda_esm fixture*"])


def test_it_is_known_under_strict_markers(run):
    result = run(
        """
        import pytest

        @pytest.mark.lambda_esm(seed=7)
        def test_it(lambda_esm): pass
        """,
        "--strict-markers",
    )
    result.assert_outcomes(passed=1)


def test_a_misspelt_marker_is_refused_with_the_nearest(run):
    result = run(
        """
        import pytest

        @pytest.mark.lambda_esm_falut("Invoke", "ServiceException")
        def test_it(lambda_esm): ...
        """,
        "-Wignore::pytest.PytestUnknownMarkWarning",
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*there is no marker 'lambda_esm_falut'. Did you mean 'lambda_esm_fault'*"])


def test_a_marker_of_others_that_begins_alike_is_left_alone(run):
    text = "import pytest\n@pytest.mark.lambda_esm_slow\ndef test_it(): ..."
    run(text, ini="markers = lambda_esm_slow: of this project").assert_outcomes(passed=1)
