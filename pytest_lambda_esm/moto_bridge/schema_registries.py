"""What schema registries look up in moto: the schemas of AWS Glue, and the secrets with their credentials.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5. moto's Glue and Secrets Manager are imported when a mapping needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.brokers.kafka.registry import Version
from pytest_lambda_esm.moto_bridge.lookups import Collection
from pytest_lambda_esm.patching import Patches, original_of


class MotoLookups:
    """Reads moto's storage.

    ``patches()`` are those of the world, None while it is not installed. Changes of what has been looked up are
    noticed, since registries and secrets may be made later than the mapping that names them.
    """

    def __init__(self, patches: Callable[[], Patches | None] = lambda: None) -> None:
        self._patches = patches
        self._listeners: list[Callable[[], None]] = []
        self._watched: set[str] = set()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a listener after each change of registries and secrets, as soon as one has been looked up."""
        self._listeners.append(listener)

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    def _watch(self, what: str, install: Callable[[Patches, Callable[[], object]], None]) -> None:
        patches = self._patches()
        if what not in self._watched and patches is not None:
            self._watched.add(what)
            install(patches, self._changed)

    def has_registry(self, registry: str) -> bool:
        """Whether a registry of Glue exists."""
        self._watch("registries", _install_registries)
        return _registry(registry) is not None

    def names(self, registry: str) -> Iterable[str]:
        """Return the names of its schemas."""
        found = _registry(registry)
        return list(found.schemas) if found is not None else []

    def latest(self, registry: str, name: str) -> Version | None:
        """Return the latest version of a schema."""
        found = _registry(registry)
        schema = found.schemas.get(name) if found is not None else None
        if schema is None:
            return None
        return _version(schema, max(schema.schema_versions.values(), key=lambda each: each.version_number))

    def find(self, registry: str, version_id: str) -> Version | None:
        """Return the version of one of its schemas with an id."""
        found = _registry(registry)
        for schema in found.schemas.values() if found is not None else ():
            if version_id in schema.schema_versions:
                return _version(schema, schema.schema_versions[version_id])
        return None

    def store(self, registry: str, name: str, definition: str, data_format: str) -> Version:
        """Create a schema, or a version of it."""
        from moto.glue.models import glue_backends

        found, arn = _registry(registry), Arn.parse(registry)
        assert arn is not None
        backend = glue_backends[arn.account_id][arn.region]
        if name in found.schemas:
            schema_id = {"RegistryName": found.name, "SchemaName": name}
            made = backend.register_schema_version(schema_id, definition)
        else:
            made = backend.create_schema(
                registry_id={"RegistryName": found.name},
                schema_name=name,
                data_format=data_format,
                compatibility="NONE",
                schema_definition=definition,
            )
        return Version(made["SchemaVersionId"], definition, data_format)

    def has_secret(self, arn: str) -> bool:
        """Whether a secret exists and is not being deleted."""
        from pytest_lambda_esm.moto_bridge import secrets

        self._watch("secrets", secrets.install)
        secret = _stored("secretsmanager", "secrets", arn, arn)
        return secret is not None and not secret.is_deleted()


def _install_registries(patches: Patches, changed: Callable[[], object]) -> None:
    """Call ``changed()`` whenever Glue may have a registry more or less."""
    from moto.glue.models import GlueBackend

    from pytest_lambda_esm.moto_bridge.secrets import notifying

    for name in ("create_registry", "delete_registry"):
        patches.set(GlueBackend, name, notifying(original_of(GlueBackend, name), changed))


def _registry(registry: str) -> Any:
    return _stored("glue", "registries", registry, registry.partition(":registry/")[2])


def _stored(service: str, attribute: str, arn: str, key: str) -> Any:
    parsed = Arn.parse(arn)
    return Collection(service, attribute).at(parsed).get(key) if parsed is not None else None


def _version(schema: Any, version: Any) -> Version:
    return Version(version.schema_version_id, version.schema_definition, schema.data_format)
