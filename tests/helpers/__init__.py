"""Code that several test files share. Import it as ``from helpers.queues import ...``."""
