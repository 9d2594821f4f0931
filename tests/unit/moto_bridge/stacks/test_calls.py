"""Calls to moto's services on behalf of a stack."""

from pytest_lambda_esm.moto_bridge.session import shared_loader
from pytest_lambda_esm.moto_bridge.stacks.calls import operation_model


def test_paths_of_s3_have_the_bucket_whatever_clients_have_called():
    shared = shared_loader().load_service_model("s3", "service-2")["operations"]["DeleteObject"]["http"]
    before = dict(shared)
    shared["requestUri"] = "/{Key+}"  # A client of this loader leaves it like that.
    try:
        assert operation_model("s3", "DeleteObject").http["requestUri"] == "/{Bucket}/{Key+}"
    finally:
        shared.update(before)
