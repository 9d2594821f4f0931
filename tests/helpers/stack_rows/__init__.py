"""Rows for the resource types of stacks, one file for each family: see ``row.Row``."""
