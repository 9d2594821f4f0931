"""Why a test failed: rules that look at a world, each of which returns findings with a cause and what to do."""
