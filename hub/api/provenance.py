"""The route that tells why a record's fields have their values."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request, Response

from hub.api.answers import answer, known, parameters
from hub.api.auth import principal_of
from hub.api.errors import not_found
from hub.api.records import Records, id_of, spec_of
from hub.provenance import Teller
from hub.query import BadQuery
from hub.reader import sealed_parts


def routes(records: Records) -> APIRouter:
    """The route. As plain as those of the records."""
    made = APIRouter()

    def provenance(request: Request) -> Response:
        """Why fields have their values; `fields` names them, `format` another form."""
        spec, one, deps = spec_of(request), id_of(request), records.deps
        given = known(parameters(request), ("fields", "format"))
        form = given.get("format", "json")
        if form not in ("json", *deps.forms):
            raise BadQuery("CROHUB-BAD-VALUE", f"format: expected json, {', '.join(deps.forms)}")
        asked = [name for name in given.get("fields", "").split(",") if name]
        with records.reading() as reader:
            teller = Teller(reader, deps.policy, deps.sources)
            story = teller.story(principal_of(request), spec, one, asked)
        if story is None:
            raise not_found()
        parts = sealed_parts(spec.name)
        sealed = any(name.partition(".")[0] in parts for name in asked)
        if form == "json":
            return answer(story.plain(), sealed=sealed)
        media, write = deps.forms[form]
        keep = "no-store" if sealed else "private, no-cache"
        return Response(orjson.dumps(write(story)), 200, {"Cache-Control": keep}, media)

    made.add_route("/{plural}/{id}/provenance", provenance, methods=["GET"])
    return made
