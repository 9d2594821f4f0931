"""The virtual clock, and the patches through which the process sees its time."""
