"""How the API describes the views: one operation each, its filters and its columns typed."""

from __future__ import annotations

from typing import Any

from hub.api.openapi_filters import described
from hub.api.openapi_parts import Json, a_page, an_object, of, operation, parameter
from hub.api.views import address
from hub.query import LARGEST, PAGE
from hub.tabular.formats import FORMATS
from hub.views import asked
from hub.views.catalogue import views
from hub.views.view import Column, View

_KINDS = {"integer": "integer", "decimal": "number", "flag": "boolean"}
_PAGED = (
    parameter("study", "of one study: what people call it, or its id"),
    parameter("sort", "a column, behind a minus from its end"),
    parameter("cursor", "the `next` of the page before"),
    parameter("limit", f"rows of a page, at most {LARGEST}; {PAGE} unless said", "integer"),
    parameter("fields", "only these columns, separated by commas"),
    parameter("as_of", "as it was at this moment"),
    parameter("known_at", "as it was known at this moment"),
    parameter("format", "json unless said, or as Accept says", "|".join(("json", *FORMATS))),
)


def schemas() -> Json:
    """A row and a page of each view."""
    made: Json = {}
    for view in views().values():
        name = _model(view)
        columns: dict[str, Any] = {f"{c.name}_": _column(c) for c in view.columns}
        made[f"{name}Row"] = an_object(view.row, id="string", **columns, **_about("_"))
        made[f"{name}Page"] = a_page(f"${name}Row")
        made[f"{name}Page"]["properties"] |= an_object(**_about(), summed=_SUMMED)["properties"]
    made["ViewPage"] = a_page(
        an_object(
            "one view", name="string", address="string", answers="string", row="string",
            functions="[string]", columns="[object]",
        )
    )  # fmt: skip
    return made


_SUMMED = of("string") | {"description": "until when the sums in it tell of everything"}


def _about(mark: str = "") -> dict[str, Any]:
    """What an answer and each of its rows say beside the columns; `mark`: they may be left out."""
    heard: Json = {"type": "object", "description": "when each system was last settled",
                   "additionalProperties": of("string?")}  # fmt: skip
    moment = of("string") | {"description": "the moment the rows are of"}
    return {f"as_of{mark}": moment, f"freshness{mark}": heard}


def paths() -> Json:
    """The operations."""
    made: Json = {"/views": {"get": operation("views", "which views there are", "$ViewPage")}}
    for view in views().values():
        parameters = [*_PAGED, *described(asked.filterable(view.name), but=asked.OF_VIEWS)]
        told = operation("views", view.answers, f"${_model(view)}Page", parameters)
        told["responses"]["200"]["content"] |= _tables()
        made[address(view)] = {"get": told}
    return made


def _tables() -> Json:
    """All rows at once, in a form that `format` or Accept names."""
    binary: Json = {"type": "string", "format": "binary"}
    return {form.media.partition(";")[0]: {"schema": binary} for form in FORMATS.values()}


def _model(view: View) -> str:
    return "".join(part.capitalize() for part in view.name.split("_"))


def _column(column: Column) -> Json:
    return of(f"{_KINDS.get(column.kind, 'string')}?") | {"description": column.says}
