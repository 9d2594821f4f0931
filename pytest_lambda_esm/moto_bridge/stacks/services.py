"""Imports moto's CloudFormation, and leaves out the services that few templates need until one does.

``moto.cloudformation.parsing`` imports every service that has resource types, because it finds the types among the
subclasses of ``CloudFormationModel``. Two of the services take half the time of a first deployment: EC2 reads its
instance types from JSON, and API Gateway imports a validator. While parsing is imported, placeholders stand for such
services. They are imported when a template has a resource type that the others lack, when moto's own list of types is
asked for, or when anything uses a placeholder.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``parsing.get_model_list`` is looked up in the module by
``get_model_map``, ``get_name_type_map`` and ``resource_name_property_from_type``; ``parsing`` tests each resource for
``TaggedEC2Resource``; ``moto.ssm.models`` imports ``ec2_backends``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

_DEFERRED: Final = frozenset(
    f"moto.{name}"
    for name in (
        "apigateway",
        "autoscaling",
        "batch",
        "datapipeline",
        "ec2",
        "ecs",
        "efs",
        "elb",
        "elbv2",
        "emr",
        "rds",
        "redshift",
        "sagemaker",
    )
)
_PARSING: Final = "moto.cloudformation.parsing"
_WAITING: Final = "_lambda_esm_deferred"
"""An attribute of moto's parsing module while services are left out: these services, and the types of the others."""


def import_cloudformation() -> None:
    """Import moto's CloudFormation. Raises ImportError where its dependencies are missing."""
    if _PARSING in sys.modules:
        return
    left_out = frozenset(name for name in _DEFERRED if name not in sys.modules)
    with _without(left_out):
        from moto.cloudformation import models, parsing  # noqa: F401  # Imported for what it does.
    listed = parsing.get_model_list

    def get_model_list() -> Any:
        _complete(parsing, listed)
        return listed()

    setattr(parsing, _WAITING, _Waiting(left_out))
    parsing.get_model_list = get_model_list


def model_of(resource_type: str) -> Any:
    """Return moto's model of a resource type, or None. Services that were left out are imported if it may be theirs."""
    from moto.cloudformation import parsing

    return known_model_of(resource_type) or parsing.get_model_map().get(resource_type)


def known_model_of(resource_type: str) -> Any:
    """Return moto's model of a resource type, or None; of a service that was left out, None."""
    from moto.cloudformation import parsing

    waiting: _Waiting | None = getattr(parsing, _WAITING, None)
    return (waiting.models if waiting else parsing.get_model_map()).get(resource_type)


class _Waiting:
    """The services that are left out, and the models of the other services by resource type."""

    def __init__(self, services: frozenset[str]) -> None:
        from moto.core.common_models import CloudFormationModel

        self.services = services
        self.models = {model.cloudformation_type(): model for model in CloudFormationModel.__subclasses__()}


def _complete(parsing: Any, listed: Any) -> None:
    """Import the services that were left out, and put what their placeholders stand for in place of them."""
    waiting: _Waiting | None = vars(parsing).pop(_WAITING, None)
    if waiting is None:
        return
    parsing.get_model_list = listed
    for service in sorted(waiting.services):
        import_module(f"{service}.models")
    for module in [module for name, module in list(sys.modules.items()) if name.startswith("moto.")]:
        for name, value in list(vars(module).items()):
            if isinstance(value, _Later):
                setattr(module, name, value.actual())


# --- placeholders ------------------------------------------------------------------------------------------------


@contextmanager
def _without(services: frozenset[str]) -> Iterator[None]:
    """Have imports of these packages make placeholders."""
    finder = _Finder(services)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name, module in sys.modules.items() if isinstance(module, _Placeholder)]:
            del sys.modules[name]
            package, _, attribute = name.rpartition(".")
            parent = sys.modules.get(package)
            if parent is not None and isinstance(vars(parent).get(attribute), _Placeholder):
                delattr(parent, attribute)


class _Finder(MetaPathFinder, Loader):
    """Finds placeholders of some packages and of their submodules."""

    def __init__(self, services: frozenset[str]) -> None:
        self._services = services

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        """Return the spec of a placeholder, or None for other modules."""
        is_deferred = ".".join(fullname.split(".")[:2]) in self._services
        return ModuleSpec(fullname, self, is_package=True) if is_deferred else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a placeholder."""
        return _Placeholder(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Leave the placeholder as it is."""


class _Placeholder(ModuleType):
    """Stands for a module that is imported later."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Later(self.__name__, name)


class _Later:
    """Stands for a name of a module that is imported later; using it imports the module."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def actual(self) -> Any:
        """Return what the name means."""
        module = import_module(self._module)
        return getattr(module, self._name) if hasattr(module, self._name) else import_module(self._submodule())

    def _submodule(self) -> str:
        return f"{self._module}.{self._name}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.actual(), name)

    def __getitem__(self, key: Any) -> Any:
        return self.actual()[key]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.actual()(*args, **kwargs)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.actual(),)

    def __instancecheck__(self, instance: Any) -> bool:
        """Nothing is an instance of a class whose module has not been imported."""
        return self._module in sys.modules and isinstance(instance, self.actual())
