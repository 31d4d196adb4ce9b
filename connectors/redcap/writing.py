"""Tells REDCap of a participant, so that telling it twice leaves one record there.

`Delivery.target` says who it is: `record`, the record's name where the target knows it, `id`, our
own number of the enrollment, which stands in a field of the project, and `number`, the subject's,
under which somebody may have put them in by hand. It is looked for before anything is written;
only where nothing is found, REDCap gives a new number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connectors.errors import Misconfigured, Refused
from connectors.formats import json_text
from connectors.http_policy import Answer, NoAnswer
from connectors.record import Delivery, Receipt
from connectors.redcap.line import Line

_OURS = re.compile(r"[A-Za-z0-9._:~-]{1,100}")  # what may stand between quotes in a filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Where in the project it goes: `key` is the field that names records, `own` the one that
    holds our number, `number` the one that holds the subject's, `event` that of rows that name
    none."""

    key: str
    own: str
    number: str = ""
    event: str = ""


def register(line: Line, delivery: Delivery, form: Form) -> Receipt:
    """Writes one participant."""
    if not form.own:
        raise Misconfigured("`own_id_field` names no field; a push needs one for our number")
    rows = _rows(delivery)
    ours = delivery.target.get("id") or delivery.id
    if not _OURS.fullmatch(ours):
        raise Refused("target `id` has signs that a REDCap filter cannot hold")
    record = _known(line, delivery.target.get("record", ""), ours, form)
    if not record and form.number and (number := delivery.target.get("number", "")):
        record = _by_hand(line, number, ours, form)
    rows[0][form.own] = ours
    for row in rows:
        # Where REDCap gives the number, ours is asked for and not used; it names nobody else.
        row[form.key] = record or ours
        if form.event:
            row.setdefault("redcap_event_name", form.event)
    answer = _import(line, rows, new=not record)
    return Receipt(
        id=delivery.id,
        outcome="delivered",
        detail=f"HTTP {answer.status}, {'changed' if record else 'made'}",
        native_id=record or _made(answer, ours),
    )


def _rows(delivery: Delivery) -> list[dict[str, Any]]:
    said = json_text.read(delivery.body)
    rows = said if isinstance(said, list) else [said]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise Refused("the delivery is no row of fields, nor a list of rows")
    return rows


def _known(line: Line, record: str, ours: str, form: Form) -> str:
    """The record that it is already; "" for none."""
    by = ("records[0]", record) if record else _where(form.own, ours)
    answer, rows = _asked(line, by, form)
    if not record:  # a project without this field may answer with everything
        rows = [row for row in rows if row.get(form.own) == ours]
    found = _names(rows, form)
    if record and not found:
        raise Refused(f"{answer.told}: the record that was to change is not there any more")
    if len(found) > 1:
        raise Refused(f"{answer.told}: {len(found)} records hold our number; a person must decide")
    return found[0] if found else ""


def _by_hand(line: Line, number: str, ours: str, form: Form) -> str:
    """The record that has the subject's number and none of ours; "" for none."""
    if not _OURS.fullmatch(number):
        raise Refused("target `number` has signs that a REDCap filter cannot hold")
    answer, rows = _asked(line, _where(form.number, number), form)
    mine = [row for row in rows if row.get(form.number) == number]
    found = _names(mine, form)
    if len(found) > 1 or any(row.get(form.own) not in (None, "", ours) for row in mine):
        why = f"{len(found)} records have the subject's number, or one has another of ours"
        raise Refused(f"{answer.told}: {why}; a person must decide")
    return found[0] if found else ""


def _where(field: str, value: str) -> tuple[str, str]:
    return ("filterLogic", f"[{field}] = '{value}'")


def _asked(line: Line, by: tuple[str, str], form: Form) -> tuple[Answer, list[dict[str, Any]]]:
    names = [name for name in (form.key, form.own, form.number) if name]
    fields = [(f"fields[{n}]", name) for n, name in enumerate(names)]
    answer = line.ask("record", [("type", "flat"), *fields, by])
    said = json_text.read(answer.body)
    rows = [row for row in said if isinstance(row, dict)] if isinstance(said, list) else []
    return answer, rows


def _names(rows: list[dict[str, Any]], form: Form) -> list[str]:
    return sorted({str(row[form.key]) for row in rows if row.get(form.key)})


def _import(line: Line, rows: list[dict[str, Any]], *, new: bool) -> Answer:
    asked = [
        ("type", "flat"),
        ("overwriteBehavior", "normal"),
        ("dateFormat", "YMD"),
        ("forceAutoNumber", "true" if new else "false"),
        ("returnContent", "auto_ids" if new else "ids"),
        ("data", json_text.write(rows).decode()),
    ]
    return line.ask("record", asked, repeatable=not new)


def _made(answer: Answer, ours: str) -> str:
    """The number that REDCap gave: "12,ours" in a list."""
    try:
        said = json_text.read(answer.body)
    except Refused:
        said = None
    pairs = [one for one in said if isinstance(one, str)] if isinstance(said, list) else []
    for pair in pairs:
        number, comma, asked = pair.partition(",")
        if comma and asked.strip() == ours and number.strip():
            return number.strip()
    raise NoAnswer(f"{answer.told}: written, but the answer does not tell the new record's number")
