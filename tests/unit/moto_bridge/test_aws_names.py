"""Which host names are AWS's."""

import botocore.session
import pytest

from pytest_lambda_esm.moto_bridge.aws_names import is_aws, is_local, serves_credentials

SESSION = botocore.session.get_session()
REGIONS = [
    (partition, region)
    for partition in SESSION.get_available_partitions()
    for region in SESSION.get_available_regions("sqs", partition)
]


def wide(text):
    """Return the full-width forms of ASCII letters, which a look-up reads as ASCII."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


@pytest.mark.parametrize("variant", [{}, {"use_dualstack_endpoint": True}, {"use_fips_endpoint": True}], ids=repr)
def test_every_endpoint_that_botocore_knows(variant):
    resolver = SESSION._get_internal_component("endpoint_resolver")
    assert REGIONS
    for partition, region in REGIONS:
        for service in ("sqs", "lambda", "s3", "sts"):
            try:
                endpoint = resolver.construct_endpoint(service, region, partition, **variant)
            except Exception as error:
                assert type(error).__name__ == "EndpointVariantError"  # noqa: PT017 - the partition lacks the variant
                continue
            assert endpoint is None or is_aws(endpoint["hostname"]), endpoint


@pytest.mark.parametrize(
    "name",
    [
        "amazonaws.com",
        "sqs.us-east-1.amazonaws.com.",
        "SQS.US-EAST-1.AMAZONAWS.COM",
        b"sqs.us-east-1.amazonaws.com",
        bytearray(b"sqs.us-east-1.amazonaws.com"),
        "sqs.us-east-1.amazonaws\u3002com",
        "sqs.us-east-1\uff0eamazonaws\uff61com",
        f"{wide('sqs')}.us-east-1.{wide('amazonaws')}.com",
        "amazon\u00adaws.com",
        f"{'n' * 64}.{wide('amazonaws')}\u3002com",
        "x.lambda-url.us-east-1.on.aws",
        "us-east-1.signin.aws",
        "signin.aws.amazon.com",
        "x.awsapps.com",
        "x.amazonwebservices.com.cn",
        "sqs.eu-isoe-west-1.cloud.adc-e.uk",
        "sqs.us-isof-south-1.csp.hci.ic.gov",
        "sqs.us-iso-east-1.c2s.ic.gov",
        "sqs.eusc-de-east-1.amazonaws.eu",
    ],
)
def test_names_of_aws(name):
    assert is_aws(name)


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        ".",
        "localhost",
        "aws",
        "127.0.0.1",
        "::1",
        "example.com",
        "amazonaws.com.example.org",
        "notamazonaws.com",
        "amazon.com",
        "www.gov.uk",
        b"\xff",
        3,
    ],
)
def test_other_names(name):
    assert not is_aws(name)


def test_hosts_of_this_machine():
    assert all(map(is_local, ["localhost", "Localhost.", "a.localhost", "127.0.0.1", "127.1.2.3", "::1"]))
    assert not any(map(is_local, ["localhost.example.org", "10.0.0.1", "0.0.0.0", "128.0.0.1", "", None]))


def test_where_credentials_are_served():
    hosts = ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"]
    assert all(map(serves_credentials, hosts))
    assert not any(map(serves_credentials, ["127.0.0.1", "169.253.169.254", "fd00:ec2::1", "localhost", None]))
