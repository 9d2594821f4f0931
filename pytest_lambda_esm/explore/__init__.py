"""Explorations: combinations of troubles, repeated deliveries, and what breaks or differs then."""
