"""Event sources: one file each, with its parameters, limits, rules and record format as data."""
