"""The routes of the views: which there are, and a page of one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from hub.api.answers import answer, known, parameters
from hub.api.auth import principal_of
from hub.api.errors import Problem
from hub.api.records import Records
from hub.principal import READ
from hub.query import BadQuery
from hub.views import asked, read
from hub.views.catalogue import named, views
from hub.views.view import View


def routes(records: Records) -> APIRouter:
    """`/views`, `/views/ctms/study_overview` and so on."""
    made = APIRouter(include_in_schema=False)

    @made.get("/views")
    def listed(request: Request) -> Response:
        known(parameters(request), ())
        principal_of(request).must(READ)
        return answer({"items": [_described(view) for view in views().values()], "next": None})

    @made.get("/views/{family}/{name}")
    def one(request: Request, family: str, name: str) -> Response:
        view = _view(family, name)
        question = asked.parse(view, parameters(request))
        with records.reading() as reader:
            found = read.page(reader, principal_of(request), view, question)
        return answer(_told(found))

    return made


def _told(found: read.Answer) -> dict[str, Any]:
    """A page, and of what moment it is."""
    told: dict[str, Any] = {"items": found.items, "next": found.next, "as_of": found.as_of}
    told["freshness"] = found.freshness
    return told | ({"summed": found.summed} if found.summed else {})


def address(view: View) -> str:
    """Where a view is read."""
    return f"/views/{view.family}/{view.name.removeprefix(view.family + '_')}"


def _view(family: str, name: str) -> View:
    try:
        return named(f"{family}_{name}")
    except BadQuery as unknown:
        raise Problem(404, detail=str(unknown)) from None


def _described(view: View) -> dict[str, object]:
    columns = [
        {"name": c.name, "kind": c.kind, "says": c.says, "codes": list(c.codes), "scope": c.scope}
        for c in view.columns
    ]
    return {
        "name": view.name, "address": address(view), "answers": view.answers, "row": view.row,
        "functions": list(view.functions), "columns": columns,
    }  # fmt: skip
