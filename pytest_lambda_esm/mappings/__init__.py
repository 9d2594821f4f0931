"""Mappings: their data, their lifecycle, and how long their transitions take."""
