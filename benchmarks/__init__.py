"""Benchmarks: ratios against plain moto, plain pytest or a bare loop, measured in the same run."""
