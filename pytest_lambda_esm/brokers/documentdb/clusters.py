"""All DocumentDB clusters of one world, by their ARNs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.brokers.documentdb.cluster import DocumentDBCluster, Surroundings


class DocumentDBClusters:
    """The clusters, each made when it is first asked for."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._by_arn: dict[str, DocumentDBCluster] = {}

    def find(self, arn: str) -> DocumentDBCluster:
        """Return the cluster with an ARN."""
        if arn not in self._by_arn:
            self._by_arn[arn] = DocumentDBCluster(arn, self._surroundings)
        return self._by_arn[arn]

    def known(self, arn: str) -> DocumentDBCluster | None:
        """Return the cluster with an ARN, or None if nobody has asked for it."""
        return self._by_arn.get(arn)

    def contents(self) -> Iterator[tuple[str, str, Any]]:
        """Yield what they keep: the place, a key, and the value."""
        for cluster in self:
            for collection in cluster.collections:
                place = f"collection {collection.database}.{collection.name} of {cluster.arn}"
                for document in collection.documents:
                    yield place, str(document["_id"]), document

    def __iter__(self) -> Iterator[DocumentDBCluster]:
        yield from self._by_arn.values()

    def changed(self) -> None:
        """Have the mappings of all clusters look again at what they can read."""
        for arn in self._by_arn:
            self._surroundings.changed(arn)

    def forget_place(self, account_id: str, region: str) -> None:
        """Empty the clusters of an account and region, because moto has been reset."""
        for text, cluster in list(self._by_arn.items()):
            arn = Arn.parse(text)
            if arn is not None and (arn.account_id, arn.region) == (account_id, region):
                cluster.close("was made before moto was reset; ask for it again")
                del self._by_arn[text]

    def close(self, why: str) -> None:
        """Have all clusters refuse every change."""
        for cluster in self:
            cluster.close(why)
