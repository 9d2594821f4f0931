"""Event sources: one file each, with its limits, its defaults and its record format as data."""
