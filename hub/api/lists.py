"""The routes beside the records: findings, decisions."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from hub import filters, worklists
from hub.api.answers import known, page, parameters
from hub.api.auth import principal_of
from hub.api.records import Records
from hub.query import BadQuery

_PAGED = ("cursor", "limit", "_limit")
_OPEN = {"true": "open", "false": "closed", "any": ""}


def routes(records: Records) -> APIRouter:
    """They stand before the records' own routes, whose first part of the path is any word."""
    made = APIRouter(include_in_schema=False)

    @made.get("/findings")
    def findings(request: Request) -> Response:
        given = known(parameters(request), ("rule", "entity", "study", "open", "state", *_PAGED))
        if given.get("open", "true") not in _OPEN:
            raise BadQuery("CROHUB-BAD-VALUE", f"open: expected one of: {', '.join(_OPEN)}")
        state = given.get("state", _OPEN[given.get("open", "true")])
        if state and state not in worklists.STATES:
            expected = ", ".join(worklists.STATES)
            raise BadQuery("CROHUB-BAD-VALUE", f"state: expected one of: {expected}")
        with records.reading() as reader:
            found = worklists.findings(
                reader,
                principal_of(request),
                rule=given.get("rule", ""),
                entity=given.get("entity", ""),
                study=given.get("study", ""),
                state=state,
                after=given.get("cursor", ""),
                limit=_limit(given),
            )
        return page(request, found.items, found.next)

    @made.get("/decisions")
    def decisions(request: Request) -> Response:
        given = known(parameters(request), ("kind", "state", *_PAGED))
        with records.reading() as reader:
            found = worklists.decisions(
                reader,
                principal_of(request),
                kind=given.get("kind", ""),
                state=given.get("state", ""),
                after=given.get("cursor", ""),
                limit=_limit(given),
            )
        return page(request, found.items, found.next)

    return made


def _limit(given: dict[str, str]) -> int:
    return filters.limit(given.get("limit", given.get("_limit", "")))
