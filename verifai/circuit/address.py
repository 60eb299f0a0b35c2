"""Web addresses, read strictly before anything is done with them.

Python's own readers raise errors of many classes, late, on what no address is: an open bracket, a
label of 70 letters, a port of 99,999.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from verifai.limits import MAX_ADDRESS_LENGTH

#: RFC 1123, section 2.1; the underscore is no host's by the letter, but in use.
_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_MAX_HOST: Final = 253


def is_address(text: str) -> bool:
    """Whether ``text`` is an http or https address in ASCII, without user name and password."""
    if len(text) > MAX_ADDRESS_LENGTH or not re.fullmatch(r"https?://[!-~]+", text):
        return False
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
        if host and "[" in parts.netloc:
            return bool(ipaddress.IPv6Address(host)) and bool(
                re.fullmatch(r"\[[^\[\]%]+\](:[0-9]{1,5})?", parts.netloc)
            )
    except ValueError:
        return False
    if not host or port == 0 or len(host) > _MAX_HOST:
        return False
    if not re.fullmatch(r"[^:@]+(:[0-9]{1,5})?", parts.netloc):
        return False
    return all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split("."))
