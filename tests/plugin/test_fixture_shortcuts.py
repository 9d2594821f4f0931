def test_the_clock(run):
    result = run(
        """
        def test_it(lambda_esm, lambda_esm_clock):
            assert lambda_esm_clock is lambda_esm.clock
        """
    )
    result.assert_outcomes(passed=1)


def test_the_client(run):
    result = run(
        """
        def test_it(lambda_esm, lambda_esm_client):
            assert lambda_esm_client.list_event_source_mappings()["EventSourceMappings"] == []
            lambda_esm.calls.assert_called("ListEventSourceMappings", times=1)
            assert lambda_esm_client.meta.region_name == lambda_esm.region
        """
    )
    result.assert_outcomes(passed=1)
