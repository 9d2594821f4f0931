"""pydantic models that are defined while freezegun has replaced ``datetime.datetime`` and ``datetime.date``.

pydantic knows the two real classes and refuses freezegun's with ``PydanticSchemaGenerationError``. A test
that defines a model in its body meets that. While time is frozen, the fakes tell pydantic the schema of the
real classes, so the models also stay right afterwards.
"""

from __future__ import annotations

from typing import Any

from freezegun import api

_HOOK = "__get_pydantic_core_schema__"


def _datetime_schema(cls: type, source: Any, handler: Any) -> Any:
    from pydantic_core import core_schema  # pydantic is the caller

    return core_schema.datetime_schema()


def _date_schema(cls: type, source: Any, handler: Any) -> Any:
    from pydantic_core import core_schema

    return core_schema.date_schema()


def teach_fakes() -> None:
    """Give freezegun's classes pydantic's hook; needed with freezegun 1.5.1 and 1.5.5, pydantic 2.14."""
    for fake, schema in ((api.FakeDatetime, _datetime_schema), (api.FakeDate, _date_schema)):
        if _HOOK not in vars(fake):
            setattr(fake, _HOOK, classmethod(schema))


def unteach_fakes() -> None:
    """Take the hook away again, where it is ours."""
    for fake, schema in ((api.FakeDatetime, _datetime_schema), (api.FakeDate, _date_schema)):
        if getattr(vars(fake).get(_HOOK), "__func__", None) is schema:
            delattr(fake, _HOOK)
