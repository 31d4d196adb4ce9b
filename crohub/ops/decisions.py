"""Questions that wait for a person's answer."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from crohub.ops.asked import changes, done, looks, number, optional, ordered, text
from crohub.ops.desk import Desk
from crohub.ops.give import by
from hub.api.answers import answer, known, parameters
from hub.api.auth import principal_of
from hub.api.errors import Problem
from hub.decisions import ANSWERS, COLUMNS, OPEN, shown


def add(made: APIRouter, desk: Desk) -> None:
    """Adds these routes."""

    @made.get("/decisions", dependencies=[Depends(looks)])
    def decisions(request: Request) -> Response:
        """Questions for people, the oldest first; `state` is open unless said."""
        given = known(parameters(request), ("state", "cursor", "limit"))
        limit = min(number(given, "limit", 50), 500)
        with desk.reading() as session:
            rows = session.all(
                f"select {COLUMNS} from decision where state = ? and id > ? order by id limit ?",
                (given.get("state", OPEN), given.get("cursor", ""), limit),
            )
        items = [shown(row) for row in rows]
        return answer({"items": items, "next": items[-1]["id"] if len(items) == limit else None})

    @made.post("/decisions/{one}", dependencies=[Depends(changes)])
    async def decide(one: str, request: Request) -> Response:
        """Answer a question: {"state": "accepted" or "declined", "reason": …}."""
        said = await optional(request, ("state", "reason"))
        if said.get("state") not in ANSWERS or not text(said, "reason"):
            raise Problem(422, detail="expected state accepted or declined, and a reason")
        with desk.reading() as session:
            row = session.one("select state from decision where id = ?", (one,))
        if row is None or row[0] != OPEN:
            raise Problem(404 if row is None else 409, detail="expected the id of an open decision")
        order = {
            **by(principal_of(request)), "do": "decide", "object": one,
            "state": said["state"], "reason": text(said, "reason"),
        }  # fmt: skip
        return done(await ordered(desk, order), {"id": one, "state": said["state"]})
