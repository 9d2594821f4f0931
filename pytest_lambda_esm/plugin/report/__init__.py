"""``--lambda-esm-report``: an HTML page with a picture of virtual time for each test. Loaded only with the option."""
