"""Answers in JSON as bytes: no model stands between a row and the wire."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from fastapi import Request, Response

from hub.filters import limit
from hub.query import BadQuery
from hub.render import Record

JSON = "application/json"
_MOST = 100  # parameters of one request
_OF_PAGE = ("cursor", "limit", "_limit")


def answer(
    body: Any,  # noqa: ANN401 - JSON
    *,
    sealed: bool = False,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """`body` as JSON. `sealed`: it holds what no cache may keep."""
    keep = "no-store" if sealed else "private, no-cache"
    return Response(orjson.dumps(body), 200, {"Cache-Control": keep, **headers}, JSON)


def written(body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    """What is JSON already."""
    return Response(body, 200, {"Cache-Control": "private, no-cache", **headers}, JSON)


def page(
    request: Request, items: list[Record], following: str | None, *, sealed: bool = False
) -> Response:
    """A page of a list, with a link to the next one."""
    headers = links(request, following)
    return answer({"items": items, "next": following}, sealed=sealed, headers=headers)


def links(request: Request, following: str | None) -> dict[str, str]:
    """The Link header (RFC 8288) of a page: where it goes on, with the page size that counts.
    Whoever searched by a body goes on by one."""
    if following is None or request.method != "GET":
        return {}
    given = parameters(request)
    kept = [(name, value) for name, value in given if name not in _OF_PAGE]
    sizes = [value for name, value in given if name in _OF_PAGE[1:] and value]
    kept += [("limit", str(limit(size))) for size in sizes[:1]]
    query = urlencode([*kept, ("cursor", following)])
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}


def parameters(request: Request) -> list[tuple[str, str]]:
    """The query of a request, in order. Raises BadQuery for one that is no UTF-8."""
    query: bytes = request.scope["query_string"]
    if not query:
        return []
    try:
        return parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST
        )
    except ValueError:
        raise BadQuery(
            "CROHUB-BAD-QUERY", f"expected at most {_MOST} parameters, percent-encoded UTF-8"
        ) from None


def known(params: list[tuple[str, str]], names: tuple[str, ...]) -> dict[str, str]:
    """The parameters of a route that knows only `names`, each at most once."""
    found: dict[str, str] = {}
    for name, value in params:
        if name not in names:
            raise BadQuery("CROHUB-UNKNOWN-PARAMETER", f"expected only: {', '.join(names)}")
        if name in found:
            raise BadQuery("CROHUB-BAD-VALUE", f"{name} is given twice")
        found[name] = value
    return found
