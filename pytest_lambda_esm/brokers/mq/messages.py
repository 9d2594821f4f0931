"""Messages of Amazon MQ: what a queue keeps, and how the body and the properties of a new message are checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from pytest_lambda_esm.errors import ConfigurationError
from pytest_lambda_esm.timing import instant_of, moment_of

Check: TypeAlias = Callable[[str, Any], Any]
"""Takes the call with the property's name, and its value; returns the value to keep, or raises ConfigurationError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqMessage:
    """A message in a queue of a broker.

    ``id`` is ActiveMQ's message id or, for RabbitMQ, the queue and the message's number in it, as ``orders::/:3``.
    ``properties`` are the standard ones by the names that ``send`` takes, ``custom`` the custom JMS properties or the
    headers of RabbitMQ. ``number`` counts the messages of a broker, ``arrived`` and ``expires`` are instants in
    microseconds since the epoch. ``deliveries`` counts how often a function ran with the message, ``redelivered``
    says whether it was delivered and returned, and ``depth`` is how long the chain of invocations is that led to it.
    ``overhead`` is a number of bytes that its record in an event does not exceed without its body and its queue's name.
    """

    id: str
    body: bytes
    is_text: bool
    properties: Mapping[str, Any]
    custom: Mapping[str, Any]
    number: int
    arrived: int
    expires: int | None
    deliveries: int = 0
    redelivered: bool = False
    depth: int = 0
    overhead: int = 0

    @property
    def sent(self) -> datetime:
        """When it arrived (aware, UTC)."""
        return moment_of(self.arrived)

    @property
    def text(self) -> str:
        """The body as text; raises UnicodeDecodeError where it is not UTF-8."""
        return self.body.decode()


_MEMBERS: Final = 420
"""More bytes than the names of a record's members, its numbers and its punctuation take: 342 at most."""


def overhead(message_id: str, properties: Mapping[str, Any], custom: Mapping[str, Any]) -> int:
    """Return a number of bytes that the record of a message does not exceed, without its body.

    The names of the standard properties are among the members, and an id has no characters that JSON escapes.
    """
    return _MEMBERS + len(message_id) + sum(map(_most, properties.values())) + (_most(custom) if custom else 0)


def _most(value: Any) -> int:
    """Return a number of bytes that a value does not exceed in JSON, also where each byte of it becomes a number."""
    if isinstance(value, (str, bytes)):
        return len(value) * (_OF_A_CHARACTER if isinstance(value, str) and not value.isascii() else _OF_A_BYTE) + 16
    if isinstance(value, int):
        return value.bit_length() // 3 + 8
    if isinstance(value, Mapping):
        return 4 + sum(_most(name) + _most(each) for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return 4 + sum(_most(each) + 2 for each in value)
    return 40  # A float, None or a datetime.


_OF_A_BYTE: Final = 6
"""``-128, `` of a byte of a RabbitMQ header, and ``\\u0000`` of an ASCII character."""
_OF_A_CHARACTER: Final = 4 * _OF_A_BYTE
"""A character has up to four bytes in UTF-8, and is up to two escapes of six characters in JSON."""


def read_body(call: str, body: Any) -> tuple[bytes, bool]:
    """Return a body as bytes, and whether it is a text."""
    __tracebackhide__ = True
    if isinstance(body, str):
        return body.encode(), True
    if isinstance(body, (bytes, bytearray)):
        return bytes(body), False
    raise ConfigurationError(
        f"{call}: a body is a text or bytes, not {type(body).__name__}; for an object, send its JSON: json.dumps(...)"
    )


def text(call: str, value: Any) -> str:
    """Accept a text."""
    __tracebackhide__ = True
    if not isinstance(value, str):
        raise ConfigurationError(f"{call} is a text, not {value!r}")
    return value


def between(low: int, high: int) -> Check:
    """Accept the whole numbers from ``low`` to ``high``."""

    def check(call: str, value: Any) -> int:
        __tracebackhide__ = True
        if type(value) is not int or not low <= value <= high:
            raise ConfigurationError(f"{call} is a whole number from {low} to {high}, not {value!r}")
        return value

    return check


def milliseconds(call: str, value: Any) -> int:
    """Accept a time to live: milliseconds, a number, or a text as in AMQP; or a timedelta."""
    __tracebackhide__ = True
    if isinstance(value, timedelta):
        value = value // timedelta(milliseconds=1)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if type(value) is not int or value < 0:
        raise ConfigurationError(f"{call} is how many milliseconds the message lives, or a timedelta, not {value!r}")
    return value


def seconds(call: str, value: Any) -> int:
    """Accept an instant: seconds since the epoch, as AMQP has them, or an aware datetime."""
    __tracebackhide__ = True
    if isinstance(value, datetime) and value.tzinfo is not None:
        return instant_of(value) // 1_000_000
    if type(value) is not int or value < 0:
        raise ConfigurationError(f"{call} is an aware datetime or whole seconds since the epoch, not {value!r}")
    return value


def jms_property(call: str, value: Any) -> str:
    """Accept a custom JMS property, and return its text, which is what Lambda passes on."""
    __tracebackhide__ = True
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ConfigurationError(f"{call}: a JMS property is a text, a number or a bool, not {value!r}")


def field_table(call: str, value: Any) -> Mapping[str, Any]:
    """Accept the headers of a message of RabbitMQ."""
    __tracebackhide__ = True
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{call} are a mapping of names to values, not {value!r}")
    return MappingProxyType(
        {text(f"{call}: a name", name): _field(f"{call}: {name}", of) for name, of in value.items()}
    )


_FIELD_TYPES: Final = (str, bytes, bool, int, float, type(None))


def _field(call: str, value: Any) -> Any:
    __tracebackhide__ = True
    if isinstance(value, Mapping):
        return field_table(call, value)
    if isinstance(value, (list, tuple)):
        return tuple(_field(call, each) for each in value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    if not isinstance(value, _FIELD_TYPES):
        raise ConfigurationError(
            f"{call}: a header is a text, bytes, a number, a bool, an aware datetime, None, or a list or mapping of"
            f" these, not {value!r}"
        )
    return value
