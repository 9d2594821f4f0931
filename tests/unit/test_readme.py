"""What the README shows is what is run."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_example_in_the_readme_is_the_file_it_names():
    example = ROOT.joinpath("docs/examples/test_orders_queue.py").read_text().strip()
    assert f"```python\n{example}\n```" in ROOT.joinpath("README.md").read_text()
