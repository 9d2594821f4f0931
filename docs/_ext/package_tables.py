"""Directives that read the package, so that no page repeats by hand what the code states.

``public-names`` documents every name that users import, ``settings`` lists the fields of the configuration,
``not-simulated`` lists what the package refuses, ``advice-codes`` lists the advice, and ``stack-types`` the resource
types of stacks. Use them inside ``eval-rst``.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from pytest_lambda_esm.plugin.option_help import SETTINGS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PACKAGE = "pytest_lambda_esm"
SECTIONS = ("Classes", "Functions", "Exceptions and warnings", "Values")


def _section_of(value: object) -> str:
    if inspect.isclass(value):
        return "Exceptions and warnings" if issubclass(value, BaseException) else "Classes"
    return "Functions" if inspect.isfunction(value) else "Values"


_AUTODOC = {
    "Classes": "autoclass",
    "Functions": "autofunction",
    "Exceptions and warnings": "autoexception",
    "Values": "autodata",
}


_PARTS = ("abc", f"{PACKAGE}.deploy", f"{PACKAGE}.server", f"{PACKAGE}.simulation")


def _options(value: object) -> list[str]:
    """Document what a class has from bases that are not public themselves, such as those of ``FakeLambda``."""
    bases = value.__mro__[1:-1] if inspect.isclass(value) else ()
    parts = bases and all(base.__module__.startswith(_PARTS) for base in bases)
    return ["   :inherited-members:"] if parts else []


class PublicNames(SphinxDirective):
    """Autodoc for each name in the package's ``__all__``, grouped."""

    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        package = importlib.import_module(PACKAGE)
        groups: dict[str, list[str]] = {section: [] for section in SECTIONS}
        for name in sorted(package.__all__):
            if not name.startswith("__"):
                groups[_section_of(getattr(package, name))].append(name)
        lines: list[str] = []
        for section, names in groups.items():
            if names:
                lines += [f".. rubric:: {section}", ""]
            for name in names:
                lines += [f".. {_AUTODOC[section]}:: {PACKAGE}.{name}", *_options(getattr(package, name)), ""]
        return self.parse_text_to_nodes("\n".join(lines))


class Settings(SphinxDirective):
    """A table of all settings: name, default, meaning."""

    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        config = importlib.import_module(f"{PACKAGE}.config").Config
        rows = [
            (f"``{field.name}``", _shown(field.default), SETTINGS[field.name]) for field in dataclasses.fields(config)
        ]
        return self.parse_text_to_nodes(_table(("Setting", "Default", "What it is"), rows))


class NotSimulated(SphinxDirective):
    """A table of what raises ``NotSimulated``."""

    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        unsupported = importlib.import_module(f"{PACKAGE}.api.unsupported")
        rows = [
            (entry.thing, entry.why, entry.instead)
            for table in (unsupported.INVOKE_MEMBERS, unsupported.CALLERS)
            for entry in table.values()
        ]
        return self.parse_text_to_nodes(_table(("What", "Why not", "What to do instead"), rows))


class AdviceCodes(SphinxDirective):
    """A table of all advice, with links to the pages of the codes, which are in the folder ``advice``."""

    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        catalogue = importlib.import_module(f"{PACKAGE}.advice_catalogue").CATALOGUE
        rows = [(f":doc:`{code} <advice/{code}>`", entry.title) for code, entry in catalogue.items()]
        return self.parse_text_to_nodes(_table(("Code", "What it is about"), rows))


class StackTypes(SphinxDirective):
    """A table of the resource types that the package makes in stacks."""

    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        stacks = importlib.import_module(f"{PACKAGE}.moto_bridge.stacks.installation")
        nothing = stacks.Surroundings(operations=dict, options=dict, advise=print, new_id=str)
        rows = [(f"``{name}``", _names(kind.attribute_names)) for name, kind in sorted(stacks.kinds(nothing).items())]
        return self.parse_text_to_nodes(_table(("Type", "``Fn::GetAtt``"), rows))


def _names(names: frozenset[str] | None) -> str:
    if names is None:
        return "what the function's answer has as ``Data``"
    return ", ".join(f"``{name}``" for name in sorted(names)) or "none"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> StringList:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (head, *rows):
        first, *others = row
        lines += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    return StringList(lines, source=PACKAGE)


def _shown(default: object) -> str:
    if dataclasses.is_dataclass(default) and not isinstance(default, type):
        values = {field.name: getattr(default, field.name) for field in dataclasses.fields(default)}
        return ", ".join(f"``{name}={value!r}``" for name, value in values.items())
    return f"``{default.isoformat() if hasattr(default, 'isoformat') else repr(default)}``"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("public-names", PublicNames)
    app.add_directive("settings", Settings)
    app.add_directive("not-simulated", NotSimulated)
    app.add_directive("advice-codes", AdviceCodes)
    app.add_directive("stack-types", StackTypes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
