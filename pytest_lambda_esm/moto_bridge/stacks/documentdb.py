"""Resource types of Amazon DocumentDB, of which moto stores nothing: what they are for a template.

A mapping names a cluster by its ARN, and the test asks for the same cluster with ``fake.documentdb(...)``. Follows the
pages ``AWS::DocDB::DBCluster``, ``DBInstance``, ``DBSubnetGroup`` and ``DBClusterParameterGroup`` of the CloudFormation
template reference. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: its RDS refuses the engine ``docdb``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pytest_lambda_esm.moto_bridge.stacks.kinds import Kind, Made, Wanted

_PORT: Final = "27017"


def types() -> Mapping[str, Kind]:
    """Return the resource types by name."""
    return _TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedKind:
    """A type whose resources have a name, and attributes that follow from it.

    ``named`` is the property with the name. A change of it, or of a property in ``fixed``, replaces the resource. The
    values of ``attributes`` are format strings over the name, a hash of it, and the region.
    """

    named: str
    fixed: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def attribute_names(self) -> frozenset[str] | None:
        """The names that ``Fn::GetAtt`` knows."""
        return frozenset(self.attributes)

    def create(self, wanted: Wanted) -> Made:
        """Make the resource. DocumentDB writes names in small letters."""
        name = str(wanted.properties.get(self.named) or wanted.name).lower()
        code = hashlib.sha256(f"{wanted.place.account_id} {wanted.place.region} {name}".encode()).hexdigest()[:12]
        values = {"name": name, "hash": code, "region": wanted.place.region}
        attributes = {each: text.format_map(values) for each, text in self.attributes.items()}
        return Made(wanted=wanted, physical_id=name, attributes=attributes)

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Update the resource, or replace it."""
        before, after = made.wanted.properties, wanted.properties
        if any(before.get(name) != after.get(name) for name in (self.named, *self.fixed)):
            return self.create(wanted)
        return Made(wanted=wanted, physical_id=made.physical_id, attributes=made.attributes)

    def delete(self, made: Made) -> None:
        """Delete the resource, of which nothing is kept."""


_TYPES: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "AWS::DocDB::DBCluster": NamedKind(
            named="DBClusterIdentifier",
            fixed=("AvailabilityZones", "DBSubnetGroupName", "MasterUsername", "StorageEncrypted"),
            attributes={
                "ClusterResourceId": "cluster-{hash}",
                "Endpoint": "{name}.cluster-{hash}.{region}.docdb.amazonaws.com",
                "Port": _PORT,
                "ReadEndpoint": "{name}.cluster-ro-{hash}.{region}.docdb.amazonaws.com",
            },
        ),
        "AWS::DocDB::DBInstance": NamedKind(
            named="DBInstanceIdentifier",
            fixed=("AvailabilityZone", "DBClusterIdentifier"),
            attributes={"Endpoint": "{name}.{hash}.{region}.docdb.amazonaws.com", "Port": _PORT},
        ),
        "AWS::DocDB::DBSubnetGroup": NamedKind(named="DBSubnetGroupName"),
        "AWS::DocDB::DBClusterParameterGroup": NamedKind(named="Name", fixed=("Description", "Family")),
    }
)
