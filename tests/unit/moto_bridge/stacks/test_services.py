"""Services of moto that a deployment leaves out until a template needs them: in processes that have not loaded them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

import pytest

_QUICK: Final = """
import json, sys
from pytest_lambda_esm.moto_bridge.stacks import services

services.import_cloudformation()
left_out = "moto.ec2" not in sys.modules and "moto.apigateway" not in sys.modules
from moto.cloudformation import parsing
from moto.ssm import models as ssm
before = services.known_model_of("AWS::EC2::VPC") is None
queue, none = services.model_of("AWS::SQS::Queue").__name__, services.known_model_of("AWS::SQS::Nothing")
still_out = "moto.ec2" not in sys.modules
others_differ = not isinstance(object(), parsing.TaggedEC2Resource)
"""
_LOADED: Final = {
    "by a type of such a service": "loaded = services.model_of('AWS::EC2::VPC').__name__",
    "by the use of a placeholder": (
        "ssm.ec2_backends['123456789012']['us-east-1']; loaded = services.model_of('AWS::EC2::VPC').__name__"
    ),
}
_SHOWN: Final = """
import moto, moto.ec2, moto.ec2.models
print(json.dumps({
    "left out": left_out, "before": before, "queue": queue, "none": none, "still out": still_out, "loaded": loaded,
    "others differ": others_differ,
    "the same objects": [
        ssm.ec2_backends is moto.ec2.models.ec2_backends,
        parsing.ec2_models is moto.ec2.models,
        parsing.TaggedEC2Resource is moto.ec2.models.core.TaggedEC2Resource,
    ],
    "types": sorted(str(name) for name in parsing.get_model_map()),
    "names": sorted(str(name) for name in parsing.get_name_type_map()),
}))
"""
_PLAIN: Final = """
import json
from moto.cloudformation import parsing
print(json.dumps({
    "types": sorted(str(name) for name in parsing.get_model_map()),
    "names": sorted(str(name) for name in parsing.get_name_type_map()),
}))
"""


def _output(source: str) -> Any:
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("how", _LOADED)
def test_services_are_imported_when_they_are_needed(how: str) -> None:
    plain = _output(_PLAIN)
    assert len(plain["types"]) > 80

    found = _output(_QUICK + _LOADED[how] + _SHOWN)

    types, names = found.pop("types"), found.pop("names")
    assert (types, names) == (plain["types"], plain["names"])
    assert found == {
        "left out": True,
        "before": True,
        "queue": "Queue",
        "none": None,
        "still out": True,
        "loaded": "VPC",
        "others differ": True,
        "the same objects": [True, True, True],
    }
