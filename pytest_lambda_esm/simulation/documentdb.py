"""DocumentDB in a world: ``fake.documentdb(...)``, and the change streams that mappings read.

Nothing of the clusters is imported before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from typing import TYPE_CHECKING, Any, Final, cast

from pytest_lambda_esm.arn import Arn, partition_of
from pytest_lambda_esm.errors import ConfigurationError
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.moto_bridge.session import check_region
from pytest_lambda_esm.sources.documentdb import (
    BAD_SECRET,
    CONFIG,
    NO_CHANGE_STREAM,
    NO_COLLECTION,
    NO_SECRET,
    REFUSALS,
)
from pytest_lambda_esm.sources.stream_ports import MappingStreams, Stream, Trouble

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.documentdb.change_stream import Scope
    from pytest_lambda_esm.brokers.documentdb.cluster import DocumentDBCluster
    from pytest_lambda_esm.brokers.documentdb.clusters import DocumentDBClusters
    from pytest_lambda_esm.simulation.world import World

_NAME: Final = re.compile(r"[a-zA-Z](-?[a-zA-Z0-9]){0,62}")


def find_cluster(world: World, given: str | ReadOnly[str, Any], region: str) -> DocumentDBCluster:
    """Return the cluster of an ARN, a name, or a response of ``create_db_cluster``. Raises ConfigurationError."""
    __tracebackhide__ = True
    call, text = f"documentdb({given!r:.200})", cast(Any, given)
    if isinstance(given, ReadOnly):
        answer = given.get("DBCluster", given)
        text = answer.get("DBClusterArn") if isinstance(answer, ReadOnly) else None
    if isinstance(text, str) and text.startswith("arn:"):
        arn = Arn.parse(text)
        if arn is None or arn.service != "rds" or not re.fullmatch("cluster:.+", arn.resource):
            raise ConfigurationError(
                f"{call}: this is not the ARN of a cluster, arn:aws:rds:<region>:<account>:cluster:<name>"
            )
        check_region(call, arn.region, arn.account_id)
        return world.documentdb.find(text)
    if not isinstance(text, str) or not _NAME.fullmatch(text):
        raise ConfigurationError(
            f"{call}: a cluster is given by its ARN, by the response of create_db_cluster, or by a name of up to 63"
            " letters, digits and hyphens, which begins with a letter"
        )
    account_id = world.config.account_id
    return world.documentdb.find(f"arn:{partition_of(region)}:rds:{region}:{account_id}:cluster:{text.lower()}")


class ChangeStreams:
    """The change streams of all clusters. ``in_use()`` is whether there has been a cluster."""

    def __init__(self, clusters: Callable[[], DocumentDBClusters], in_use: Callable[[], bool]) -> None:
        self._clusters = clusters
        self._in_use = in_use

    def find(self, arn: str) -> Stream | None:
        """Return the change stream of a whole cluster, or None if nobody has asked for the cluster."""
        if not self._in_use():
            return None
        from pytest_lambda_esm.brokers.documentdb.change_stream import ChangeStream, Scope

        cluster = self._clusters().known(arn)
        return ChangeStream(cluster, Scope).read_log() if cluster is not None else None

    def read_by(self, mapping: Mapping) -> MappingStreams:
        """Return the change stream as a mapping reads it."""
        return MappingChangeStream(self._clusters().find(mapping.source_arn), mapping)


class MappingChangeStream:
    """The change stream of one mapping: that of its database or collection."""

    def __init__(self, cluster: DocumentDBCluster, mapping: Mapping) -> None:
        from pytest_lambda_esm.brokers.documentdb.change_stream import ChangeStream

        self._cluster = cluster
        self._mapping = mapping
        self._stream = ChangeStream(cluster, self._scope)

    def find(self, arn: str) -> Stream:
        """Return the stream with all events until now."""
        return self._stream.read_log()

    def trouble(self) -> Trouble | None:
        """Return what keeps the mapping from reading now, or None."""
        cluster, scope = self._cluster, self._scope()
        if cluster.refusal is not None:
            return REFUSALS[cluster.refusal]
        trouble = _trouble_with_secret(self._mapping)
        if trouble is not None:
            return trouble
        if not cluster.exists(scope.database or "", scope.collection):
            return NO_COLLECTION
        return None if cluster.has_change_stream(scope.database or "", scope.collection) else NO_CHANGE_STREAM

    def _scope(self) -> Scope:
        from pytest_lambda_esm.brokers.documentdb.change_stream import Scope

        config = self._mapping._in_force[CONFIG]
        looks_up = config.get("FullDocument") == "UpdateLookup"
        return Scope(config["DatabaseName"], config.get("CollectionName"), looks_up)


def _trouble_with_secret(mapping: Mapping) -> Trouble | None:
    from pytest_lambda_esm.moto_bridge import secrets

    for access in mapping._in_force.get("SourceAccessConfigurations", ()):
        login = secrets.login(access["URI"])
        if login is None:
            return NO_SECRET
        if not all(login.get(name) for name in ("username", "password")):
            return BAD_SECRET
    return None
