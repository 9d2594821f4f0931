from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from pytest_lambda_esm import ConfigurationError, NotActive, SchemaRegistry
from pytest_lambda_esm.brokers.kafka.registries import SchemaRegistries
from pytest_lambda_esm.brokers.kafka.registry import Version

pytest.importorskip("jsonschema")

URL = "https://registry.example.com:8081"
GLUE = "arn:aws:glue:us-east-1:123456789012:registry/shop"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:login"
ANY = {"type": "object"}


class Aws:
    """Glue and Secrets Manager without moto."""

    def __init__(self) -> None:
        self.versions: dict[str, list[Version]] = {}

    def has_registry(self, registry: str) -> bool:
        return registry == GLUE

    def has_secret(self, arn: str) -> bool:
        return arn == SECRET

    def listen(self, listener: object) -> None:
        """It never changes."""

    def names(self, registry: str) -> list[str]:
        return list(self.versions)

    def latest(self, registry: str, name: str) -> Version | None:
        return self.versions[name][-1] if name in self.versions else None

    def find(self, registry: str, version_id: str) -> Version | None:
        every = (each for versions in self.versions.values() for each in versions)
        return next((each for each in every if each.schema_id == version_id), None)

    def store(self, registry: str, name: str, definition: str, data_format: str) -> Version:
        versions = self.versions.setdefault(name, [])
        version = Version(str(UUID(int=len(versions) + 1)), definition, data_format)
        versions.append(version)
        return version


@pytest.fixture
def registries() -> SchemaRegistries:
    return SchemaRegistries(Aws())


@pytest.fixture(params=[URL, GLUE], ids=["confluent", "glue"])
def registry(registries: SchemaRegistries, request: pytest.FixtureRequest) -> SchemaRegistry:
    return registries.get("call", request.param)


def test_the_latest_schema_of_a_subject_encodes(registry: SchemaRegistry) -> None:
    first = registry.register("a", {**ANY, "required": ["n"]}, "JSON")
    second = registry.register("a", ANY, "JSON")
    assert first != second
    reading = registry.read(registry.encode("a", {}))
    assert (reading.condition, reading.schema_id, reading.json) == ("", str(second), b"{}")


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (lambda registry: registry.register("", ANY, "JSON"), "a subject is a text"),
        (lambda registry: registry.register("a", ANY, "YAML"), "there is no such type"),
        (lambda registry: registry.register("a", 7, "JSON"), "a schema is the text of its definition"),
        (lambda registry: registry.register("a", ANY, "PROTOBUF"), "a schema is the text of its definition"),
        (lambda registry: registry.register("a", "{", "JSON"), "the definition is not JSON"),
        (lambda registry: registry.encode(["a"], {}), "a subject is a text"),
        (lambda registry: registry.encode("a", {}), "It has no schema yet"),
        (lambda registry: registry.register("orders", ANY, "JSON") and registry.encode("ordres", {}), "'orders'"),
        (lambda registry: registry.register("a", ANY, "JSON") and registry.encode("a", []), "is not of type 'object'"),
    ],
)
def test_misuse_is_refused(registry: SchemaRegistry, use: Callable[[SchemaRegistry], Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        use(registry)


def test_a_subject_keeps_its_format(registry: SchemaRegistry) -> None:
    pytest.importorskip("fastavro")
    registry.register("a", ANY, "JSON")
    with pytest.raises(ConfigurationError, match="the type JSON"):
        registry.register("a", '"string"', "AVRO")


def test_a_schema_has_one_id_under_all_subjects(registries: SchemaRegistries) -> None:
    registry = registries.get("call", URL)
    assert [registry.register(subject, ANY, "JSON") for subject in "aba"] == [1, 1, 1]


@pytest.mark.parametrize(
    ("data", "condition", "text"),
    [
        (b"", "DESERIALIZATION_ERROR", "do not begin with the header"),
        (b"\3" + bytes(16), "DESERIALIZATION_ERROR", "do not begin with the header"),
        (b"\3\1" + bytes(16), "DESERIALIZATION_ERROR", "do not begin with the header"),
        (b"\3\5" + UUID(int=1).bytes + b"{}", "DESERIALIZATION_ERROR", "cannot be decompressed"),
        (b"\3\0" + UUID(int=9).bytes + b"{}", "SCHEMA_NOT_FOUND", "has no schema 00000000-0000-0000-0000-000000000009"),
        (b"\3\0" + UUID(int=1).bytes + b"[]", "DESERIALIZATION_ERROR", "is not of type"),
        (b"\3\5" + UUID(int=1).bytes + zlib.compress(b"{}"), "", ""),
    ],
)
def test_what_glue_reads(registries: SchemaRegistries, data: bytes, condition: str, text: str) -> None:
    registry = registries.get("call", GLUE)
    registry.register("a", ANY, "JSON")
    reading = registry.read(data)
    assert reading.condition == condition
    assert text in reading.about


def test_a_schema_in_glue_that_is_not_valid() -> None:
    aws = Aws()
    aws.store(GLUE, "a", "{", "JSON")
    registry = SchemaRegistries(aws).get("call", GLUE)
    assert registry.read(b"\3\0" + UUID(int=1).bytes + b"{}").condition == "DESERIALIZATION_ERROR"
    with pytest.raises(ConfigurationError, match="the definition is not JSON"):
        registry.encode("a", {})


def test_many_records_are_read(registries: SchemaRegistries) -> None:
    registry = registries.get("call", URL)
    registry.register("a", ANY, "JSON")
    for number in range(2500):
        value = {"n": number}
        assert json.loads(registry.read(registry.encode("a", value)).json) == value


def test_problems(registries: SchemaRegistries) -> None:
    assert registries.problem(URL, []) == "missing"
    assert registries.problem(GLUE + "2", []) == "missing"
    assert registries.problem(GLUE, []) is None
    registry = registries.get("call", URL)
    assert registries.problem(URL, [("BASIC_AUTH", SECRET)]) is None
    assert registries.problem(URL, [("BASIC_AUTH", SECRET + "2")]) == "credentials"
    registry.require("BASIC_AUTH")
    assert registries.problem(URL, [("SERVER_ROOT_CA_CERTIFICATE", SECRET)]) == "credentials"
    registry.refuse("connection")
    assert registries.problem(URL, [("BASIC_AUTH", SECRET)]) == "connection"
    registry.accept()
    assert registries.problem(URL, [("BASIC_AUTH", SECRET)]) is None


def test_changes_are_announced(registries: SchemaRegistries) -> None:
    changes: list[int] = []
    registries.listen(lambda: changes.append(1))
    registry = registries.get("call", URL)
    registries.get("call", URL)
    registry.refuse("connection")
    registry.accept()
    registry.require("BASIC_AUTH")
    assert len(changes) == 4


def test_a_registry_that_does_not_exist_has_no_schemas() -> None:
    registries = SchemaRegistries()
    for uri in (URL, GLUE):
        assert registries.at(uri).read(b"\0\0\0\0\1{}").condition == "SCHEMA_NOT_FOUND"


def test_a_reset_of_moto_closes_the_registries_of_glue(registries: SchemaRegistries) -> None:
    glue, other = registries.get("call", GLUE), registries.get("call", URL)
    registries.forget_place("123456789012", "us-east-1")
    with pytest.raises(NotActive, match="was made before moto was reset"):
        glue.register("a", ANY, "JSON")
    assert registries.get("call", GLUE) is not glue
    assert registries.get("call", URL) is other
