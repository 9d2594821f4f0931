"""Python code that was deployed as a zip file or a layer, run as Lambda runs it."""
