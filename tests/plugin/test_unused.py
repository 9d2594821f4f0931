"""A run that uses no fixture of this plugin has no cost from it."""

import sys

HEAVY = ("boto3", "botocore", "moto", "freezegun", "responses", "time_machine", "werkzeug")


def test_nothing_heavy_is_imported(pytester):
    pytester.makeconftest(
        f"""
        import sys

        def pytest_unconfigure():
            loaded = sorted(name for name in sys.modules if name.partition(".")[0] in {HEAVY!r})
            own = sorted(name for name in sys.modules if name.partition(".")[0] == "pytest_lambda_esm")
            print("HEAVY", loaded)
            print("OWN", len(own), own)
        """
    )
    pytester.makepyfile("def test_nothing(): pass")
    result = pytester.runpytest_subprocess(*others_blocked())
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["HEAVY []"])
    [own] = [line for line in result.outlines if line.startswith("OWN")]
    assert int(own.split()[1]) <= 5, own


def others_blocked():
    """Other installed plugins may import anything; only this plugin and pytest count here."""
    from importlib.metadata import entry_points

    names = {entry.name for entry in entry_points(group="pytest11")} - {"lambda_esm"}
    return [argument for name in sorted(names) for argument in ("-p", f"no:{name}")]


def test_public_names_are_lazy():
    program = (
        "import sys, pytest_lambda_esm as package\n"
        "assert not [name for name in sys.modules if name.partition('.')[0] in ('boto3', 'moto', 'freezegun')]\n"
        "assert sorted(package.__all__) == package.__all__\n"
        "for name in package.__all__: getattr(package, name)\n"
        "assert package.__version__\n"
    )
    import subprocess

    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_unknown_name_is_an_attribute_error():
    import pytest

    import pytest_lambda_esm

    with pytest.raises(AttributeError, match="no attribute 'FakeLamda'"):
        pytest_lambda_esm.FakeLamda  # noqa: B018
