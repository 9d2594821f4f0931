"""Trees of event handlers that share what is equal in them.

botocore copies the tree of a session's handlers, 200 nodes, for each client, and then adds a few handlers to the copy.
A :class:`SharedTree` is a copy that refers to the nodes of the tree that it was made of, and replaces a node by a copy
of its own before it changes it. To everybody else it is botocore's tree: it finds the same handlers in the same order.

Seen with botocore 1.36.0, 1.43.117, 1.44.5 and 1.44.8: ``_PrefixTrie._root``, nodes with ``chunk``, ``children`` and
``values``, a ``NodeList`` of three lists; ``append_item`` and ``remove_item`` are the methods that change a tree.
"""

from __future__ import annotations

from typing import Any, Final

from botocore.hooks import NodeList, _PrefixTrie

_NODE: Final = {"chunk", "children", "values"}


class SharedTree(_PrefixTrie):  # type: ignore[misc]  # botocore has no types.
    """A tree of handlers, given as its root. From now on, nobody else may change the nodes under this root."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._own: set[int] = set()  # The ids of the nodes that no other tree refers to.

    def __copy__(self) -> SharedTree:
        self._own.clear()
        return SharedTree(self._root)

    def append_item(self, key: str, *args: Any, **kwargs: Any) -> None:
        """Add a handler to this tree only."""
        self._own_path(key)
        super().append_item(key, *args, **kwargs)

    def remove_item(self, key: str, *args: Any, **kwargs: Any) -> None:
        """Remove a handler from this tree only."""
        self._own_path(key)
        super().remove_item(key, *args, **kwargs)

    def _own_path(self, key: str) -> None:
        """Copy the nodes on the way to a key, unless they are this tree's own."""
        node = self._root = self._owned(self._root)
        for part in key.split("."):
            child = node["children"].get(part)
            if child is None:
                return
            node["children"][part] = node = self._owned(child)

    def _owned(self, node: dict[str, Any]) -> dict[str, Any]:
        if id(node) in self._own:
            return node
        values = node["values"]
        copied = {
            "chunk": node["chunk"],
            "children": dict(node["children"]),
            "values": values and NodeList(*(handlers[:] for handlers in values)),
        }
        self._own.add(id(copied))
        return copied


def shared(tree: Any) -> SharedTree | None:
    """Return a copy of a tree of botocore that shares its nodes, or None if the tree is not what is known here."""
    if type(tree) is not _PrefixTrie or tree.__dict__.keys() != {"_root"} or not _is_known(tree._root):
        return None
    return SharedTree(tree._root)


def _is_known(node: dict[str, Any]) -> bool:
    values = node.get("values")
    return (
        node.keys() == _NODE
        and (values is None or type(values) is NodeList)
        and all(map(_is_known, node["children"].values()))
    )
