"""Lets nobody in the process find AWS: for clients that are not botocore's, such as urllib, httpx and aiobotocore."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any, Final

from pytest_lambda_esm.errors import NetworkBlocked
from pytest_lambda_esm.moto_bridge.patches import Patches

_OF_AWS: Final = re.compile(
    r"(.+\.)?(amazonaws\.(com(\.cn)?|eu)|api\.aws|on\.aws|amazonwebservices\.com\.cn|(c2s|sc2s)\.[a-z]+\.gov)\.?",
    re.IGNORECASE,
)
"""Names of AWS's services in all partitions, and of functions' URLs."""


def guard_names(patches: Patches, failed: Callable[[BaseException], None]) -> None:
    """Refuse to look up names of AWS; ``failed`` hears of each refusal, which is raised as well.

    ``requests`` is answered by moto before it looks a name up, and botocore's clients by moto or the other guard.
    """
    original = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str) and _OF_AWS.fullmatch(name):
            blocked = NetworkBlocked(
                f"a request to {name} would have left the process: none to AWS does while the fake is active. moto"
                f" answers boto3, botocore and requests; give other clients the address of a server of the test's own."
            )
            failed(blocked)
            raise blocked
        return original(host, *args, **kwargs)

    patches.set(socket, "getaddrinfo", getaddrinfo)
