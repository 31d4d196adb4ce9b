"""Who looks at a page: the key, kept by the browser in a cookie that no script can read."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import Request, Response

from crohub.ops.desk import Desk
from hub import clock, keys
from hub.principal import Principal

COOKIE = "crohub_key"
_LONGEST = 4096  # bytes of the form


def principal_of(desk: Desk, request: Request) -> Principal | None:
    """Who a browser's cookie speaks for; None without a good one."""
    key = request.cookies.get(COOKIE, "")
    return _principal(desk, key) if key else None


async def key_in(request: Request) -> str:
    """The key in a posted form; "" when there is none."""
    kept = bytearray()
    async for chunk in request.stream():
        kept += chunk
        if len(kept) > _LONGEST:
            return ""
    fields = parse_qs(kept.decode("ascii", "replace"), max_num_fields=10)
    return fields.get("key", [""])[0].strip()


def holder(desk: Desk, key: str) -> Principal | None:
    """Who a key speaks for; None where it opens nothing."""
    return _principal(desk, key) if key else None


def remember(response: Response, key: str, *, secure: bool) -> None:
    """For this browser session only; sent to this host alone, and never from another page."""
    response.set_cookie(COOKIE, key, httponly=True, samesite="strict", secure=secure, path="/")


def forget(response: Response) -> None:
    """The browser drops the key."""
    response.delete_cookie(COOKIE, path="/")


def _principal(desk: Desk, key: str) -> Principal | None:
    with desk.reading() as session:
        return keys.principal(session, key, clock.now())
