"""Faults: what should fail, at which call, how often, and what is still unused. Other folders carry the effects out."""
