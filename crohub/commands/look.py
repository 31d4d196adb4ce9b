"""`messages` and `message`: what was said, what became of it, what it asserted."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, each, say, stop, table
from crohub.commands.install import HERE, Config, Data

_COLUMNS = ("seq", "received_at", "connection", "stream", "state", "key", "reason")


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command()(messages)
    app.command()(message)


def messages(
    patient: Annotated[
        str, typer.Option(help="The value of the lane, mostly the MRN; - reads it from stdin.")
    ] = "",
    control_id: Annotated[str, typer.Option(help="MSH-10 of an HL7 message.")] = "",
    state: Annotated[str, typer.Option(help="done, waiting, parked, held …")] = "",
    connection: Annotated[str, typer.Option(help="Of this connection.")] = "",
    pipeline: Annotated[str, typer.Option(help="Read by this pipeline.")] = "",
    before: Annotated[int, typer.Option(help="Older than this number: the next page.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """List messages, newest first."""
    from crohub import lookup
    from crohub.node import reach

    if state and state not in lookup.ALL_STATES:
        raise stop(WRONG, f"{state!r} is no state; expected one of {', '.join(lookup.ALL_STATES)}")
    if patient == "-":
        patient = sys.stdin.readline().strip()
    wanted = lookup.Wanted(
        state=state, connection=connection, pipeline=pipeline, patient=patient,
        control_id=control_id, before=before, limit=limit,
    )  # fmt: skip
    with reach(config, data_folder, exists=True) as node:
        session = lookup.reading(node.places)
        try:
            found = lookup.find(session, node.keyring, wanted)
        finally:
            session.close()
    rows = [one.plain() for one in found]
    if not as_json:
        rows = [row | {"key": _short(row["key"])} for row in rows]
    each(rows, as_json=as_json, columns=_COLUMNS)
    if not found:
        say("no message is like that")
    elif len(found) == limit:
        say(f"more may follow: --before {found[-1].seq}")


def _short(key: str) -> str:
    return key if len(key) <= 44 else key[:43] + "…"


def message(
    seq: Annotated[int, typer.Argument(metavar="ID", help="Its number.")],
    body: Annotated[
        bool, typer.Option("--body", help="Also as it came; that is entered in the audit.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why you look at the body, for the audit.")] = "",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Show one message: what became of it, what it asserted and, with --body, what was said."""
    from crohub import lookup
    from crohub.node import reach, whoever

    with reach(config, data_folder, exists=True) as node:
        session = lookup.reading(node.places)
        try:
            found = lookup.one(session, seq)
            if found is None:
                raise stop(FAILED, f"there is no message {seq}")
            shown = found.plain() | {"notes": lookup.notes(session, seq)}
            shown["asserted"] = list(lookup.asserted(session, seq))
            if body:
                seen = {"do": "saw", "by": whoever(), "object": f"message/{seq}", "reason": reason}
                node.order(seen)
                raw = lookup.body(session, node.keyring, seq) or b""
                shown["body"] = raw.decode("utf-8", "backslashreplace")
        finally:
            session.close()
    data(shown, as_json=as_json, lines=_lines(shown))


def _json(said: object) -> str:
    return "" if said is None else json.dumps(said, ensure_ascii=False)


def _lines(shown: dict[str, object]) -> list[str]:
    plain = {k: v for k, v in shown.items() if k not in ("asserted", "body", "notes") and v != ""}
    wide = max(len(name) for name in plain)
    lines = [f"{name.ljust(wide)}  {value}" for name, value in plain.items()]
    notes, asserted = shown["notes"], shown["asserted"]
    assert isinstance(notes, list)  # noqa: S101 - for the types
    assert isinstance(asserted, list)  # noqa: S101 - for the types
    lines += [f"note: {note}" for note in notes]
    if asserted:
        rows = [row | {"said": _json(row["said"])} for row in asserted]
        lines += ["", *table(rows, ("entity", "id", "kind", "said"))]
    if "body" in shown:
        lines += ["", *(str(shown["body"]).replace("\r", "\n")).splitlines()]
    return lines
