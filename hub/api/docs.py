"""The API's documentation as a page of its own: no script, nothing from elsewhere, so that it
reads the same without the internet."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from hub.api.openapi import describe
from hub.api.openapi_parts import Json, finished, problems

PAGE, DESCRIPTION = "/docs", "/openapi.json"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}


def install(app: FastAPI) -> None:
    """Serves the page at /docs and lets the application describe the records too. The
    application is to be made without pages of FastAPI's own: they load theirs from elsewhere."""

    @cache
    def description() -> dict[str, Any]:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes)
        for own in (describe("/api/v1"), *(said() for said in _besides(app))):
            for path, operations in own["paths"].items():
                paths = made.setdefault("paths", {})
                paths[path] = paths.get(path, {}) | operations
            parts = made.setdefault("components", {})
            for name, added in own["components"].items():
                parts[name] = parts.get(name, {}) | added
        return finished(made)

    app.openapi = description  # type: ignore[method-assign]
    if not app.openapi_url:
        app.add_api_route(DESCRIPTION, description, include_in_schema=False)

    @app.get(PAGE, include_in_schema=False)
    def docs(_: Request) -> Response:
        return Response(_rendered(app.openapi()), media_type="text/html", headers=_HEADERS)


def besides(app: FastAPI, said: Callable[[], Json]) -> None:
    """Adds `paths` and `components` of routes that do not describe themselves well enough."""
    _besides(app).append(said)


def _besides(app: FastAPI) -> list[Callable[[], Json]]:
    if not hasattr(app.state, "besides"):
        app.state.besides = []
    found: list[Callable[[], Json]] = app.state.besides
    return found


def is_page(path: str) -> bool:
    """Whether a person opens this path in a browser, which asks them for the key."""
    return path in (PAGE, DESCRIPTION)


def _rendered(description: dict[str, Any]) -> str:
    from jinja2 import Environment

    source = Path(__file__).with_name("docs.html.j2").read_text()
    made = Environment(autoescape=True).from_string(source)
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in description["paths"].items():
        for verb, operation in operations.items():
            group = (operation.get("tags") or ["other"])[0]
            answers = {
                status: problems().get(str(one.get("$ref", "")).rpartition("/")[2], one)
                for status, one in operation["responses"].items()
            }
            groups.setdefault(group, []).append((verb, path, {**operation, "responses": answers}))
    schemas = description["components"]["schemas"]
    return made.render(info=description["info"], groups=groups, schemas=schemas, type_of=type_of)


def type_of(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(type_of(one) for one in schema[several])
    if "enum" in schema:
        return ", ".join(str(one) for one in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return kind if isinstance(kind, str) else " or ".join(kind)
