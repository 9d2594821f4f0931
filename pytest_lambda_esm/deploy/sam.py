"""SAM templates, translated by AWS's own translator, which is the library ``aws-sam-translator``.

It needs no account: the region and the parameters are given, and managed policies are those that it brings.
"""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.deploy.template import Template
from pytest_lambda_esm.errors import DeployError
from pytest_lambda_esm.moto_bridge.deployment import EXTRA

TRANSFORM: Final = "AWS::Serverless-2016-10-31"
TYPES: Final = tuple(
    f"AWS::Serverless::{name}"
    for name in (
        "Api",
        "Application",
        "CapacityProvider",
        "Connector",
        "Function",
        "GraphQLApi",
        "HttpApi",
        "LayerVersion",
        "SimpleTable",
        "StateMachine",
        "WebSocketApi",
    )
)
"""SAM's types of resources, for suggestions: which of them exist is for the translator to say."""


def has_transform(body: dict[str, Any], name: str = TRANSFORM) -> bool:
    """Return whether a template asks for a transform."""
    given = body.get("Transform", [])
    return name in (given if isinstance(given, list) else [given])


@dataclass(frozen=True, slots=True)
class _Session:
    """All that the translator asks a session of boto3 for."""

    region_name: str


def translate(template: Template, body: dict[str, Any], parameters: dict[str, Any], region: str) -> dict[str, Any]:
    """Return the CloudFormation template of a SAM template. Raises DeployError with all that SAM refuses."""
    __tracebackhide__ = True
    try:
        from samtranslator.model.exceptions import InvalidDocumentException
        from samtranslator.parser.parser import Parser
        from samtranslator.translator.translator import Translator
    except ImportError as problem:
        raise DeployError(f"a SAM template needs AWS's translator: {EXTRA} ({problem})") from None

    quiet = logging.getLogger("samtranslator")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    session: Any = _Session(region)
    translator = Translator(None, Parser(), boto_session=session)
    try:
        translated: dict[str, Any] = translator.translate(
            copy.deepcopy(body), parameter_values=parameters, passthrough_metadata=True
        )
    except InvalidDocumentException as refused:
        raise _refused(template, refused) from None
    finally:
        translator.metrics.publish()  # To nowhere; without it they ask for it when they are collected.
        quiet.setLevel(level)
    return translated


def _refused(template: Template, refused: Any) -> DeployError:
    causes = list(refused.causes)
    where = [_place(cause) for cause in causes]
    messages = [str(getattr(cause, "message", cause)) for cause in causes] or [str(refused)]
    first = where[0] if where else ()
    return template.error("SAM refuses the template: " + "; ".join(messages), *first)


def _place(cause: Any) -> tuple[str, ...]:
    logical_id = getattr(cause, "_logical_id", None)
    return ("Resources", str(logical_id)) if logical_id else ()
