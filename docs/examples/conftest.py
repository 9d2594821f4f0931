"""The steps of the tutorial are not tests of their own: tests/plugin/test_tutorial.py runs them, one after the other."""

collect_ignore = ["tutorial"]
