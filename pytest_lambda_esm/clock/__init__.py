"""The virtual clock, and what makes the process see its time."""
