"""The steps of the tutorial are not tests of their own; tests/plugin/test_tutorial.py runs them."""

collect_ignore = ["tutorial"]
