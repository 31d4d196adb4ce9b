"""The routes of the views: which there are, and a page of one."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from hub.api.answers import answer, known, parameters
from hub.api.auth import principal_of
from hub.api.bulk import Bulk, wanted
from hub.api.errors import Problem
from hub.api.records import Records
from hub.filters import Params
from hub.principal import READ, Principal
from hub.query import BadQuery
from hub.tabular.formats import Format
from hub.views import asked, read, table
from hub.views.catalogue import named, views
from hub.views.view import View


def routes(records: Records, exports: Bulk) -> APIRouter:
    """`/views`, `/views/ctms/study_overview` and so on."""
    made = APIRouter(include_in_schema=False)

    @made.get("/views")
    def listed(request: Request) -> Response:
        known(parameters(request), ())
        principal_of(request).must(READ)
        return answer({"items": [_described(view) for view in views().values()], "next": None})

    @made.get("/views/{family}/{name}")
    async def one(request: Request, family: str, name: str) -> Response:
        view, params = _view(family, name), parameters(request)
        principal, named_ = principal_of(request), known(_of(params, "format"), ("format",))
        form = None if named_.get("format") == "json" else wanted(request, named_.get("format", ""))
        question = asked.parse(view, [p for p in params if p[0] != "format"])
        if form:
            return await _table(exports, principal, view, question, form)
        return answer(await run_in_threadpool(_page, records, principal, view, question))

    return made


def _of(params: Params, name: str) -> list[tuple[str, str]]:
    return [one for one in params if one[0] == name]


def _page(records: Records, principal: Principal, view: View, question: asked.Asked) -> Any:  # noqa: ANN401
    with records.reading() as reader:
        return _told(read.page(reader, principal, view, question))


async def _table(
    exports: Bulk, principal: Principal, view: View, question: asked.Asked, form: Format
) -> Response:
    """The whole view as a file; who took it, and as what, enters the audit."""
    principal.must(READ)
    rows = partial(table.rows, principal=principal, view=view, asked=question)
    head = table.columns(view, question)
    pieces = exports.written(form, head, rows, view.name)
    detail = {"format": form.name}
    noted = partial(exports.records.deps.noted, principal, f"{view.name} exported", detail)
    given = await exports.give(pieces, noted, f"{view.name}.{form.name}", form.media)
    given.headers["Crohub-Most-Rows"] = str(table.MOST)
    return given


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
