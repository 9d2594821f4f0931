"""One fake world: its parts put together and installed. Nothing here decides anything."""
