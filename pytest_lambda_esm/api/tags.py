"""ListTags, TagResource and UntagResource for mappings; moto answers for all other resources.

Responses and refusals are recorded.
"""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from typing import Any, Final

from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.api.event_source_mappings import MOST_TAGS, EventSourceMappings
from pytest_lambda_esm.aws_model.model import LambdaModel

_IN_MOTO: Final = (":function:", ":layer:", ":code-signing-config:", ":capacity-provider:", ":network-connector:")


def concerns_mappings(uri: ReadOnly[str, Any]) -> bool:
    """Whether a request is about a mapping, by its URI members."""
    resource = str(uri.get("Resource", ""))
    return not any(kind in resource for kind in _IN_MOTO)


class MappingTags:
    """The operations on the tags of mappings."""

    def __init__(self, mappings: EventSourceMappings, model: LambdaModel) -> None:
        self._mappings = mappings
        self._model = model

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their API names."""
        return {"ListTags": self.list, "TagResource": self.tag, "UntagResource": self.untag}

    def list(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Read a mapping's tags."""
        return {"Tags": dict(self._tags(caller, params["Resource"]))}

    def tag(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Add tags to a mapping, or change their values."""
        if not params["Tags"]:
            raise self._invalid("An error occurred and the request cannot be processed.")
        tags = self._tags(caller, params["Resource"])
        if len({*tags, *params["Tags"]}) > MOST_TAGS:
            raise self._invalid("Number of tags exceeds resource tag limit.")
        tags.update(params["Tags"])
        return {}

    def untag(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Remove tags from a mapping; keys that it does not have are ignored."""
        tags = self._tags(caller, params["Resource"])
        for key in params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _tags(self, caller: Caller, arn: str) -> dict[str, str]:
        mapping = self._mappings.find(caller, arn.rpartition(":")[2])
        if mapping is None or mapping.arn != arn:
            raise self._model.error("ResourceNotFoundException", f"Event source mapping not found: {arn}")
        return self._mappings.tags(mapping)

    def _invalid(self, message: str) -> Exception:
        return self._model.error("InvalidParameterValueException", message)
