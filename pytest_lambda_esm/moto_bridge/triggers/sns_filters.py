"""Filter policies of subscriptions: which messages of a topic a subscription gets.

A policy is an event pattern, which this package's own engine tests: on the message's attributes, or on its body
(``FilterPolicyScope``). Follows "Amazon SNS subscription filter policies": an attribute of type Number is a number, one
of type String.Array is a list, and those of type Binary are not tested. moto judges a policy that is none of the
engine's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_lambda_esm.filters import InvalidPattern, compile_pattern


def accepts(subscription: Any, attributes: Mapping[str, Any], message: str) -> bool:
    """Return whether a subscription of moto gets a message; its attributes have the members Type and Value."""
    policy = subscription.attributes.get("FilterPolicy") or subscription._filter_policy
    text = policy if isinstance(policy, str) else json.dumps(policy or {})
    if not json.loads(text):
        return True
    try:
        pattern = compile_pattern(text)
    except InvalidPattern:
        matcher = subscription._filter_policy_matcher
        return matcher is None or bool(matcher.matches(dict(attributes), message))
    if subscription.attributes.get("FilterPolicyScope") == "MessageBody":
        return pattern.matches(_parsed(message))
    return pattern.matches({name: _value(each) for name, each in attributes.items() if each["Type"] != "Binary"})


def _value(attribute: Mapping[str, Any]) -> Any:
    """Return an attribute's value as the policy sees it."""
    kind, text = str(attribute["Type"]), attribute["Value"]
    if kind == "String.Array":
        found = _parsed(text)
        return text if found is None else found
    if kind.split(".")[0] == "Number":
        number = _parsed(text)
        return number if isinstance(number, (int, float)) else float(text)
    return text


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
