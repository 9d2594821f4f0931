"""All schema registries of one world, by URL or ARN, and why a mapping cannot use one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.brokers.kafka.confluent_registry import ConfluentRegistry
from pytest_lambda_esm.brokers.kafka.glue_registry import GlueRegistry, GlueSchemas
from pytest_lambda_esm.brokers.kafka.registry import SchemaRegistry
from pytest_lambda_esm.errors import ConfigurationError

_URL: Final = re.compile(r"https?://[^\s/]+(/\S*)?")


class AwsLookups(GlueSchemas, Protocol):
    """What registries look up in AWS: the schemas of Glue, and secrets."""

    def has_secret(self, arn: str) -> bool:
        """Whether a secret exists."""
        ...

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a listener after each change of registries and secrets, as soon as one has been looked up."""
        ...


class SchemaRegistries:
    """The registries: those like Confluent's exist from when the test first asks for them, those of Glue in moto."""

    def __init__(self, aws: AwsLookups | None = None) -> None:
        self._aws = aws
        self._by_uri: dict[str, SchemaRegistry] = {}
        self._listeners: list[Callable[[], None]] = []
        if aws is not None:
            aws.listen(self._changed)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a listener after each change."""
        self._listeners.append(listener)

    def get(self, call: str, uri: str) -> SchemaRegistry:
        """Return the registry that a test asks for. Raises ConfigurationError for anything else."""
        __tracebackhide__ = True
        arn = Arn.parse(uri) if isinstance(uri, str) else None
        if arn is not None and arn.service == "glue" and arn.resource.startswith("registry/"):
            if self._aws is None or not self._aws.has_registry(uri):
                raise ConfigurationError(f"{call}: Glue has no such registry; create it with glue.create_registry")
            return self.at(uri)
        if not isinstance(uri, str) or not _URL.fullmatch(uri):
            raise ConfigurationError(
                f"{call}: a registry is given by its URL, such as 'https://registry.example.com:8081', or by the ARN of"
                " a registry of AWS Glue"
            )
        if _key(uri) not in self._by_uri:
            self._by_uri[_key(uri)] = ConfluentRegistry(uri, self._changed)
            self._changed()
        return self._by_uri[_key(uri)]

    def at(self, uri: str) -> SchemaRegistry:
        """Return the registry that a mapping reads with. One that does not exist has no schemas."""
        found = self._by_uri.get(_key(uri))
        if found is None and self._aws is not None and uri.startswith("arn:"):
            found = self._by_uri[_key(uri)] = GlueRegistry(uri, self._changed, self._aws)
        return found if found is not None else ConfluentRegistry(uri, self._changed)

    def problem(self, uri: str, access: Iterable[tuple[str, str]]) -> str | None:
        """Return why a mapping cannot use a registry: ``missing``, ``credentials``, or why the registry refuses.

        ``access`` are the types and the secrets of the mapping's ``AccessConfigs``.
        """
        aws, given = self._aws, list(access)
        exists = aws is not None and aws.has_registry(uri) if uri.startswith("arn:") else _key(uri) in self._by_uri
        if not exists:
            return "missing"
        if aws is not None and not all(aws.has_secret(secret) for _, secret in given):
            return "credentials"
        return self.at(uri).problem([kind for kind, _ in given])

    def forget_place(self, account_id: str, region: str) -> None:
        """Forget the registries of Glue in an account and region, because moto has been reset."""
        for uri in list(self._by_uri):
            arn = Arn.parse(uri)
            if arn is not None and (arn.account_id, arn.region) == (account_id, region):
                self._by_uri.pop(uri).close("was made before moto was reset; ask for it again")

    def close(self, why: str) -> None:
        """Have all registries refuse every change."""
        for registry in self._by_uri.values():
            registry.close(why)

    def _changed(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def _key(uri: str) -> str:
    return uri.rstrip("/")
