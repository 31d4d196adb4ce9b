"""The routes of the checks: which there are, and what one has found."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from hub import filters
from hub.api.answers import answer, known, page, parameters
from hub.api.auth import principal_of
from hub.api.errors import Problem
from hub.api.records import Records
from hub.checks import CHECKS, told


def routes(records: Records) -> APIRouter:
    """`/checks` and `/checks/enrolment` and so on."""
    made = APIRouter(include_in_schema=False)

    @made.get("/checks")
    def listed(request: Request) -> Response:
        known(parameters(request), ())
        with records.reading() as reader:
            found = told.overview(reader, principal_of(request), records.deps.checks)
        return answer({"items": found, "next": None})

    @made.get("/checks/{name}")
    def one(request: Request, name: str) -> Response:
        given = known(parameters(request), ("study", "state", "cursor", "limit", "_limit"))
        if name not in CHECKS:
            raise Problem(404, detail=f"expected one of: {', '.join(CHECKS)}")
        state = given.get("state", "open")
        with records.reading() as reader:
            found = told.findings(
                reader,
                principal_of(request),
                name,
                study=given.get("study", ""),
                state="" if state == "any" else state,
                after=given.get("cursor", ""),
                limit=filters.limit(given.get("limit", given.get("_limit", ""))),
            )
        return page(request, found.items, found.next)

    return made
