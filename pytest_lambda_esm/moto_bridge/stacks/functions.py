"""Resource types of Lambda: versions, aliases, permissions, layers and invoke configs.

Follows the pages ``AWS::Lambda::Version``, ``Alias``, ``Permission``, ``LayerVersion`` and ``EventInvokeConfig`` of the
CloudFormation template reference. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: PublishVersion answers with the latest
version where nothing has changed since; moto's template parser knows no aliases, and its versions have no ARN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

from pytest_lambda_esm.arn import parse
from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.moto_bridge.stacks.calls import operation_model
from pytest_lambda_esm.moto_bridge.stacks.kinds import ApiKind, Kind, Made, Properties, Wanted

_PROVISIONED: Final = {"ProvisionedConcurrencyConfig": "leave it out with a condition or a parameter of the template"}


class InvokeConfigOperations(Protocol):
    """The operations on invoke configs that stacks need; each raises ApiError for what AWS refuses."""

    def put_invoke_config(self, account_id: str, region: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Put an invoke config, and return the parameters that identify it."""
        ...

    def delete_invoke_config(self, account_id: str, region: str, names: dict[str, Any]) -> None:
        """Delete the invoke config with these identifying parameters."""
        ...


def types(operations: Callable[[], InvokeConfigOperations]) -> Mapping[str, Kind]:
    """Return the resource types by name."""
    return {
        **_TYPES,
        "AWS::Lambda::EventInvokeConfig": InvokeConfigKind(operations),
        "AWS::Lambda::Version": VersionKind(),
    }


def _alias(properties: Properties, wanted: Wanted) -> Properties:
    routing = properties.get("RoutingConfig")
    if not routing:
        return properties
    weights = routing.get("AdditionalVersionWeights") or []
    by_version = {str(each.get("FunctionVersion")): each.get("FunctionWeight") for each in weights}
    return {**properties, "RoutingConfig": {"AdditionalVersionWeights": by_version}}


_OF_URLS: Final = "InvokedViaFunctionUrl"


def _permission(properties: Properties, wanted: Wanted) -> Properties:
    """Split the qualifier from the function: moto takes it only as a parameter of its own.

    An older botocore, such as 1.36.0, does not know the condition of function URLs, which are not simulated.
    """
    place = wanted.place
    shape = operation_model("lambda", "AddPermission").input_shape
    if shape is not None and _OF_URLS not in shape.members:
        properties = {name: value for name, value in properties.items() if name != _OF_URLS}
    reference = parse(str(properties.get("FunctionName")), place.account_id, place.region)
    return {
        **properties,
        "FunctionName": reference.name,
        "Qualifier": reference.qualifier,
        "StatementId": wanted.name,
    }


_TYPES: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "AWS::Lambda::Alias": ApiKind(
            service="lambda",
            creates="CreateAlias",
            updates="UpdateAlias",
            deletes="DeleteAlias",
            physical_id="{AliasArn}",
            identity={"FunctionName": "{FunctionName}", "Name": "{Name}"},
            attributes={"AliasArn": "{AliasArn}"},
            fixed=("FunctionName", "Name"),
            resets={"Description": "", "RoutingConfig": {"AdditionalVersionWeights": {}}},
            missing=_PROVISIONED,
            prepare=_alias,
        ),
        "AWS::Lambda::LayerVersion": ApiKind(
            service="lambda",
            creates="PublishLayerVersion",
            deletes="DeleteLayerVersion",
            physical_id="{LayerVersionArn}",
            identity={"LayerName": "{LayerName}", "VersionNumber": "{Version}"},
            attributes={"LayerVersionArn": "{LayerVersionArn}"},
            named="LayerName",
        ),
        "AWS::Lambda::Permission": ApiKind(
            service="lambda",
            creates="AddPermission",
            deletes="RemovePermission",
            physical_id="{StatementId}",
            identity={"FunctionName": "{FunctionName}", "StatementId": "{StatementId}"},
            attributes={"Id": "{StatementId}"},
            prepare=_permission,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class InvokeConfigKind:
    """``AWS::Lambda::EventInvokeConfig``, through the operations of the fake."""

    operations: Callable[[], InvokeConfigOperations]

    @property
    def attribute_names(self) -> frozenset[str] | None:
        """There are none."""
        return frozenset()

    def create(self, wanted: Wanted) -> Made:
        """Put the invoke config."""
        place = wanted.place
        names = self.operations().put_invoke_config(place.account_id, place.region, dict(wanted.properties))
        physical_id = f"{names['FunctionName']}|EventInvokeConfig|{names.get('Qualifier', '$LATEST')}"
        return Made(wanted=wanted, physical_id=physical_id, known=names)

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Put the invoke config, perhaps that of another function."""
        return self.create(wanted)

    def delete(self, made: Made) -> None:
        """Delete the invoke config."""
        place = made.wanted.place
        self.operations().delete_invoke_config(place.account_id, place.region, dict(made.known))


_VERSION: Final = ApiKind(
    service="lambda",
    creates="PublishVersion",
    deletes="DeleteFunction",
    physical_id="{FunctionArn}",
    identity={"FunctionName": "{FunctionName}", "Qualifier": "{Version}"},
    attributes={"FunctionArn": "{FunctionArn}", "Version": "{Version}"},
    missing=_PROVISIONED,
)


class VersionKind:
    """``AWS::Lambda::Version``: each change of it publishes another version."""

    attribute_names: frozenset[str] | None = _VERSION.attribute_names

    def create(self, wanted: Wanted) -> Made:
        """Publish a version. Raises ApiError where the function has not changed since its last one."""
        name = {"FunctionName": wanted.properties.get("FunctionName")}
        before = wanted.place.call("lambda", "ListVersionsByFunction", name)["Versions"]
        made = _VERSION.create(wanted)
        number = made.attributes["Version"]
        if any(version["Version"] == number for version in before):
            text = (
                f"A version for this Lambda function exists ( {number} ). Modify the function to create a new version."
            )
            raise ApiError("AlreadyExists", text, 400)
        return made

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Publish another version."""
        return self.create(wanted)

    def delete(self, made: Made) -> None:
        """Delete the version."""
        _VERSION.delete(made)
