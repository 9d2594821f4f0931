"""Run Python code that was deployed as a zip file, with its layers, as Lambda runs it."""
