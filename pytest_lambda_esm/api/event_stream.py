"""AWS's binary framing of event streams, as InvokeWithResponseStream answers with.

A frame is: its length and the length of its headers (4 bytes each, big-endian), the CRC-32 of these eight
bytes, the headers, the payload, the CRC-32 of all before. A header is its name's length (1 byte), its name,
the type 7 (text), its value's length (2 bytes) and its value.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Final

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_TEXT_TYPE: Final = 7
_FRAME_OVERHEAD: Final = 16


def frame(event_type: str, content_type: str, payload: bytes) -> bytes:
    """One event of a stream as a frame."""
    headers = _headers({":event-type": event_type, ":content-type": content_type, ":message-type": "event"})
    prelude = struct.pack(">II", _FRAME_OVERHEAD + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _headers(headers: Mapping[str, str]) -> bytes:
    encoded = b""
    for name, value in headers.items():
        name_bytes, value_bytes = name.encode(), value.encode()
        encoded += struct.pack(">B", len(name_bytes)) + name_bytes
        encoded += struct.pack(">BH", _TEXT_TYPE, len(value_bytes)) + value_bytes
    return encoded
