"""Managed policies of stacks, such as those that SAM makes of connectors.

Follows the page ``AWS::IAM::ManagedPolicy`` of the CloudFormation template reference. Seen with moto 5.1.9 and 5.2.5:
``ManagedPolicy`` has ``create_from_cloudformation_json`` only, so that a stack could neither update a policy, nor
delete it, nor delete the roles that have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from pytest_lambda_esm.moto_bridge.stacks.kinds import ApiKind, Kind, Made, Properties, Wanted, as_text, gone_is_fine

_HOLDERS: Final = (("Roles", "Role"), ("Users", "User"), ("Groups", "Group"))
"""The properties that list who has the policy, and what operations call one of them."""


def types() -> Mapping[str, Kind]:
    """Return the resource types by name."""
    return {"AWS::IAM::ManagedPolicy": ManagedPolicyKind()}


def _policy(properties: Properties, wanted: Wanted) -> Properties:
    known = ("Description", "Path", "PolicyDocument")
    stated = {name: properties[name] for name in known if name in properties}
    return {**stated, "PolicyName": properties.get("ManagedPolicyName") or wanted.name}


_POLICY: Final = ApiKind(
    service="iam",
    creates="CreatePolicy",
    deletes="DeletePolicy",
    physical_id="{Policy[Arn]}",
    identity={"PolicyArn": "{Policy[Arn]}"},
    attributes={"PolicyArn": "{Policy[Arn]}", "PolicyId": "{Policy[PolicyId]}"},
    documents=("PolicyDocument",),
    prepare=_policy,
)
_FIXED: Final = ("Description", "ManagedPolicyName", "Path")


class ManagedPolicyKind:
    """``AWS::IAM::ManagedPolicy``: another name, path or description replaces it."""

    attribute_names: frozenset[str] | None = _POLICY.attribute_names

    def create(self, wanted: Wanted) -> Made:
        """Create the policy and attach it."""
        made = _POLICY.create(wanted)
        try:
            _attach(made, frozenset(_holders(wanted)))
        except Exception:
            self.delete(made)
            raise
        return made

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Make another version of the policy the default one, attach and detach it; or make another policy."""
        before, after = made.wanted, wanted
        if any(before.properties.get(name) != after.properties.get(name) for name in _FIXED):
            return self.create(wanted)
        known = dict(made.known)
        if before.properties.get("PolicyDocument") != after.properties.get("PolicyDocument"):
            known["version"] = _publish(made, wanted)
        held, holding = frozenset(_holders(before)), frozenset(_holders(after))
        _attach(made, holding - held)
        _detach(made, held - holding)
        return replace(made, wanted=wanted, known=known)

    def delete(self, made: Made) -> None:
        """Detach the policy and delete it."""
        _detach(made, frozenset(_holders(made.wanted)))
        _POLICY.delete(made)


def _publish(made: Made, wanted: Wanted) -> str:
    """Make another default version, in place of the one before, and return its id."""
    place, arn = wanted.place, {"PolicyArn": made.physical_id}
    document = as_text(wanted.properties["PolicyDocument"])
    answer = place.call("iam", "CreatePolicyVersion", {**arn, "PolicyDocument": document, "SetAsDefault": True})
    place.call("iam", "DeletePolicyVersion", {**arn, "VersionId": made.known.get("version", "v1")})
    return str(answer["PolicyVersion"]["VersionId"])


def _holders(wanted: Wanted) -> Iterator[tuple[str, str]]:
    for listed, holder in _HOLDERS:
        for name in wanted.properties.get(listed) or ():
            yield holder, str(name)


def _attach(made: Made, holders: frozenset[tuple[str, str]]) -> None:
    for holder, name in sorted(holders):
        params = {f"{holder}Name": name, "PolicyArn": made.physical_id}
        made.wanted.place.call("iam", f"Attach{holder}Policy", params)


def _detach(made: Made, holders: frozenset[tuple[str, str]]) -> None:
    for holder, name in sorted(holders):
        params = {f"{holder}Name": name, "PolicyArn": made.physical_id}
        with gone_is_fine():
            made.wanted.place.call("iam", f"Detach{holder}Policy", params)
