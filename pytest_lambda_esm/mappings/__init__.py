"""Event source mappings: their settings, their states, and the transitions between them."""
