"""Running a handler as Lambda runs a function."""
