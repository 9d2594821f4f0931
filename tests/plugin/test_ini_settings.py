import pytest

SETTINGS = [
    ("lambda_esm_start = 2030-05-05T10:00:00Z", "lambda_esm.clock.now.isoformat() == '2030-05-05T10:00:00+00:00'"),
    ("lambda_esm_region = ap-south-1", "lambda_esm.client('lambda').meta.region_name == 'ap-south-1'"),
    ("lambda_esm_account_id = 111122223333", "':111122223333:' in lambda_esm.function('f').arn"),
    (
        "lambda_esm_transitions =\n    creating = 30\n    deleting = manual",
        "lambda_esm.config.transitions.creating == 30",
    ),
    ("lambda_esm_transitions = updating = after_reads(2)", "lambda_esm.config.transitions.updating.reads == 2"),
    ("lambda_esm_transitions = creating = 0.5", "lambda_esm.config.transitions.creating == 0.5"),
    (
        "lambda_esm_weather =\n    duplicates = 0.25\n    slowest = 2",
        "(lambda_esm.config.weather.duplicates, lambda_esm.config.weather.slowest) == (0.25, 2)",
    ),
    ("lambda_esm_strict = no", "lambda_esm.config.strict is False"),
    ("lambda_esm_polling_delay = 1.5", "lambda_esm.config.polling_delay == 1.5"),
    ("lambda_esm_polling_states = Updating", "lambda_esm.config.polling_states == ('Updating',)"),
]


@pytest.mark.parametrize(("ini", "expected"), SETTINGS, ids=[ini.split(" =")[0] for ini, _ in SETTINGS])
def test_a_setting_reaches_the_fake(run, ini, expected):
    run(f"def test_it(lambda_esm): assert {expected}", ini=ini).assert_outcomes(passed=1)


WRONG = [
    ("lambda_esm_start = tomorrow", "ini setting lambda_esm_start: start = 'tomorrow' cannot be used: *"),
    ("lambda_esm_advice = loud", "*expected one of 'warn', 'error', 'off'"),
    ("lambda_esm_account_id = 12", "*an account id is a text of 12 digits"),
    ("lambda_esm_strict = perhaps", "*expected true or false"),
    ("lambda_esm_transitions = creating = soon", "*'instant', 'manual' or after_reads(n), not 'soon'"),
    ("lambda_esm_poll_latency = -1", "*a time span cannot be negative: -1.0"),
    ("lambda_esm_polling_states = Enabeld", "*there is no state 'Enabeld'. Did you mean *'Enabled'*"),
]


@pytest.mark.parametrize(("ini", "message"), WRONG, ids=[ini.split(" =")[0] for ini, _ in WRONG])
def test_a_wrong_value_is_refused_at_start(run, ini, message):
    result = run("def test_it(): pass", ini=ini)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_the_header_is_silent_on_defaults(run):
    assert not [line for line in run("def test_it(): pass").outlines if line.startswith("lambda_esm")]


@pytest.mark.skipif(int(pytest.__version__.partition(".")[0]) < 9, reason="pytest has no TOML tables of its own yet")
def test_settings_are_texts_in_pytests_own_toml(pytester):
    (pytester.path / "pytest.toml").write_text(
        '[pytest]\nlambda_esm_seed = "7"\nlambda_esm_strict = "false"\n'
        'lambda_esm_transitions = ["creating = 30", "deleting = manual"]\n'
    )
    pytester.makepyfile(
        """
        def test_it(lambda_esm):
            config = lambda_esm.config
            assert (config.seed, config.strict) == (7, False)
            assert (config.transitions.creating, config.transitions.deleting) == (30, "manual")
        """
    )
    pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_a_setting_that_does_not_exist_is_refused_with_the_nearest(run):
    result = run("def test_it(): pass", ini="lambda_esm_regoin = eu-west-1\nlambda_esm_seeds = 3")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: there is no ini setting 'lambda_esm_regoin'. Did you mean 'lambda_esm_region'*",
            "*there is no ini setting 'lambda_esm_seeds'. Did you mean 'lambda_esm_seed'*",
        ]
    )


def test_a_setting_of_the_command_line_that_does_not_exist_is_refused(run):
    result = run("def test_it(): pass", "-o", "lambda_esm_sede=3")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*there is no ini setting 'lambda_esm_sede'. Did you mean 'lambda_esm_seed'*"])
