"""The messages of one of moto's queues, kept so that reading and deleting cost the same however deep it is.

moto keeps a plain list and walks all of it for each receive and delete. This table stands in its place and behaves
like that list where moto uses it: iteration in the order of sending, ``append``, ``remove``, length. moto itself
replaces the whole list when it purges; the owner notices and builds a new table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pytest_lambda_esm.moto_bridge.group_order import GroupOrder
from pytest_lambda_esm.moto_bridge.message_content import body_of, content_of
from pytest_lambda_esm.moto_bridge.visibility_order import VisibilityOrder


class MessageTable:
    """Messages by their ids in the order of sending, and the order in which they are handed out.

    ``heaviest`` is an upper bound: no message here has more bytes in its body and attributes.
    """

    def __init__(self, order: VisibilityOrder | GroupOrder, messages: Iterable[Any] = ()) -> None:
        self.order = order
        self.heaviest = 0
        self._messages: dict[str, Any] = {}
        for message in messages:
            self.append(message)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._messages.values()))

    def __len__(self) -> int:
        return len(self._messages)

    def __contains__(self, message: Any) -> bool:
        return self._messages.get(message.id) is message

    def get(self, message_id: str) -> Any | None:
        """The message with an id, or None."""
        return self._messages.get(message_id)

    def append(self, message: Any) -> None:
        """Add a message that was sent."""
        message.lambda_esm_content = content_of(message)
        self._messages[message.id] = message
        self.order.add(message)
        weight = len(body_of(message)) if not message.message_attributes else _LARGEST
        if weight > self.heaviest:
            self.heaviest = weight

    def delete(self, receipts: Iterable[tuple[str, str]], is_over: Callable[[Any], bool] | None) -> list[Any]:
        """Take out messages by id and the handle of their newest receipt; those that were taken out.

        ``is_over`` tells of a receipt that has ended, so that its message stays.
        """
        messages = self._messages
        deleted: list[Any] = []
        for message_id, receipt_handle in receipts:
            message = messages.get(message_id)
            if message is None or message.receipt_handle != receipt_handle or (is_over and is_over(message)):
                continue
            del messages[message_id]
            deleted.append(message)
        self.order.discard(deleted)
        return deleted

    def remove(self, message: Any) -> None:
        """Take a message out; ValueError where it is not here, as a list does."""
        if message not in self:
            raise ValueError("the message is not in this queue")
        del self._messages[message.id]
        self.order.discard((message,))


_LARGEST = 1024 * 1024


def table_of(queue: Any) -> MessageTable:
    """The message table of one of moto's queues; it takes the place of moto's list when it is first asked for."""
    messages = queue._messages
    if not isinstance(messages, MessageTable):
        order = GroupOrder() if queue.fifo_queue else VisibilityOrder()
        messages = queue._messages = MessageTable(order, messages)
    return messages
