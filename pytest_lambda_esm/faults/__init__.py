"""Faults: what is to go wrong, at which call, how often, and what is left of it. Nothing here performs anything."""
