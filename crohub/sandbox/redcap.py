"""A REDCap project as its API shows it, on the loopback interface.

Everything it has is given from outside and may be changed while it runs; what is written from
outside lands there too. Answers follow the API as PyCap 2.7 speaks it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from crohub.sandbox.web import WebServer, form_of

VERSION = "14.5.10"
_FILTER = re.compile(r"\s*\[(\w+)\]\s*=\s*['\"]([^'\"]*)['\"]\s*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_OWN = (
    "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance",
    "redcap_data_access_group",
)  # fmt: skip
_OFFLINE = "<!DOCTYPE html><html><body>REDCap is currently offline.</body></html>"

Row = dict[str, str]
Place = tuple[str, str, str]  # event, repeating instrument, instance
Form = Mapping[str, str]


class RedcapError(Exception):
    """An answer that says no."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True)
class Project:
    """One project. `fields` are the data dictionary's rows, the first of which names a record;
    `events` none: it is not longitudinal. `tokens` are keys with the user each belongs to.
    `changed` is when a record was last made or changed, which its rows do not tell."""

    id: int
    title: str
    tokens: dict[str, str]
    fields: list[Row]
    events: list[Row] = field(default_factory=list)
    arms: list[Row] = field(default_factory=list)
    event_forms: list[Row] = field(default_factory=list)
    dags: list[Row] = field(default_factory=list)
    users: list[Row] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)  # more of the project's information
    timezone: str = "UTC"
    now: Callable[[], datetime] = _now
    offline: bool = False
    records: dict[str, dict[Place, Row]] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)  # record → its data access group
    changed: dict[str, datetime] = field(default_factory=dict)
    log: list[Row] = field(default_factory=list)  # oldest first

    @property
    def key(self) -> str:
        return self.fields[0]["field_name"]

    @property
    def repeats(self) -> bool:
        return any(place[1] or place[2] for rows in self.records.values() for place in rows)

    def put(self, row: Mapping[str, str], *, by: str = "site") -> None:
        """Takes one row: blanks change nothing. The record is made where it is new."""
        name = row[self.key]
        place = (row.get(_OWN[0], ""), row.get(_OWN[1], ""), str(row.get(_OWN[2], "")))
        action = "Update record" if name in self.records else "Create record"
        kept = self.records.setdefault(name, {}).setdefault(place, {})
        kept |= {n: str(v) for n, v in row.items() if n not in _OWN and v not in ("", None)}
        if row.get(_OWN[3]):
            self.groups[name] = row[_OWN[3]]
        self._note(f"{action} {name}", name, by)
        self.changed[name] = self.now()

    def rename(self, old: str, new: str, *, by: str = "site") -> None:
        """The log tells the new name only."""
        self.records[new] = self.records.pop(old)
        for row in self.records[new].values():
            row[self.key] = new
        self._note(f"Update record {new}", new, by, f"{self.key} = '{new}'")
        self.changed[new] = self.now()

    def delete(self, name: str, *, by: str = "site") -> None:
        del self.records[name]
        self._note(f"Delete record {name}", name, by)

    def _note(self, action: str, name: str, by: str, details: str = "") -> None:
        at = self.local(self.now())
        row = {"timestamp": f"{at:%Y-%m-%d %H:%M}", "username": by, "action": action}
        self.log.append({**row, "details": details, "record": name})

    def local(self, moment: datetime) -> datetime:
        """As the server's clock on the wall shows it."""
        return moment.astimezone(ZoneInfo(self.timezone)).replace(tzinfo=None)

    def next_name(self) -> str:
        return str(max((int(name) for name in self.records if name.isdecimal()), default=0) + 1)


class RedcapServer(WebServer):
    """`project` at `url`/api/. `forms` are what was asked so far, tokens included."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.forms: list[dict[str, str]] = []
        super().__init__([Route("/api/", self._api, methods=["POST"])], name="sandbox-redcap")

    async def _api(self, request: Request) -> Response:
        form = await form_of(request)
        self.forms.append(form)
        if self.project.offline:
            return Response(_OFFLINE, media_type="text/html")
        try:
            return answer(self.project, form)
        except RedcapError as error:
            return JSONResponse({"error": error.words}, error.status)


def answer(project: Project, form: Form) -> Response:
    """What the API says to one form. Raises RedcapError."""
    user = project.tokens.get(form.get("token", ""))
    if user is None:
        raise RedcapError(403, "You do not have permissions to use the API")
    content = form.get("content", "")
    if content == "version":
        return PlainTextResponse(VERSION)
    if content == "record":
        return JSONResponse(_records(project, form, user))
    if content in ("arm", "event", "formEventMapping") and not project.events:
        raise RedcapError(400, f"You cannot export {content}s for classic projects")
    if content not in _LISTS:
        raise RedcapError(400, f'The value of the parameter "content" is not valid: {content}')
    return JSONResponse(_LISTS[content](project, form))


def _records(project: Project, form: Form, user: str) -> Any:  # noqa: ANN401 - JSON
    if form.get("action") == "delete":
        return _delete(project, form, user)
    return _import(project, form, user) if "data" in form else list(_export(project, form))


def _many(form: Form, name: str) -> list[str]:
    """`records[0]`, `records[1]` … or all in one, parted by commas."""
    several = [value for key, value in form.items() if key.startswith(f"{name}[")]
    return several or [one for one in form.get(name, "").split(",") if one]


# -- reading


def _information(project: Project, _: Form) -> dict[str, Any]:
    return {
        "project_id": project.id,
        "project_title": project.title,
        "in_production": 1,
        "is_longitudinal": int(bool(project.events)),
        "record_autonumbering_enabled": 1,
        "has_repeating_instruments_or_events": int(project.repeats),
        "project_irb_number": "",
        "project_grant_number": "",
        **project.about,
    }


def _log(project: Project, form: Form) -> list[Row]:
    """The newest first, as REDCap gives it."""
    kind = {"record_delete": "Delete", "record_add": "Create", "record_edit": "Update"}
    begins = kind.get(form.get("logtype", ""), "")
    since = form.get("beginTime", "")[:16]
    found = [row for row in project.log if row["timestamp"] >= since]
    return [row for row in reversed(found) if row["action"].startswith(begins)]


_LISTS: dict[str, Callable[[Project, Form], Any]] = {
    "project": _information,
    "metadata": lambda project, _: project.fields,
    "arm": lambda project, _: project.arms,
    "event": lambda project, _: project.events,
    "formEventMapping": lambda project, _: project.event_forms,
    "dag": lambda project, _: project.dags,
    "user": lambda project, _: project.users,
    "log": _log,
}


def _export(project: Project, form: Form) -> Iterator[Row]:
    wanted, events = _many(form, "records"), _many(form, "events")
    begin, only = form.get("dateRangeBegin", ""), _filter(form.get("filterLogic", ""))
    names = [field["field_name"] for field in project.fields]
    chosen = [name for name in names if name in (_many(form, "fields") or names)]
    order = {event["unique_event_name"]: n for n, event in enumerate(project.events)}
    for name in sorted(project.records, key=_natural):
        if (wanted and name not in wanted) or not _is_after(project, name, begin):
            continue
        places = sorted(project.records[name].items(), key=lambda one: order.get(one[0][0], 0))
        for place, row in places:
            if (events and place[0] not in events) or not only(row):
                continue
            yield {**_head(project, name, place, form), **{n: row.get(n, "") for n in chosen[1:]}}


def _head(project: Project, name: str, place: Place, form: Form) -> Row:
    row = {project.key: name}
    if project.events:
        row[_OWN[0]] = place[0]
    if project.repeats:
        row |= {_OWN[1]: place[1], _OWN[2]: place[2]}
    if project.dags and form.get("exportDataAccessGroups", "").lower() == "true":
        row[_OWN[3]] = project.groups.get(name, "")
    return row


def _is_after(project: Project, name: str, begin: str) -> bool:
    if not begin:
        return True
    return project.local(project.changed[name]) >= datetime.fromisoformat(begin)


def _filter(logic: str) -> Callable[[Row], bool]:
    if not logic:
        return lambda _: True
    found = _FILTER.fullmatch(logic)
    if found is None:
        raise RedcapError(400, "The filter logic cannot be read")
    name, value = found.groups()
    return lambda row: row.get(name, "") == value


def _natural(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isdecimal() else (1, 0, name)


# -- writing


def _import(project: Project, form: Form, user: str) -> Any:  # noqa: ANN401 - JSON
    rows: list[Row] = orjson.loads(form["data"])
    for row in rows:
        _check(project, row)
    given: dict[str, str] = {}
    for row in rows:
        asked = str(row[project.key])
        if form.get("forceAutoNumber", "").lower() == "true":
            given.setdefault(asked, project.next_name())
        else:
            given.setdefault(asked, asked)
        project.put({**row, project.key: given[asked]}, by=user)
    content = form.get("returnContent", "count")
    if content == "auto_ids":
        return [f"{new},{asked}" for asked, new in given.items()]
    return list(given.values()) if content == "ids" else {"count": len(given)}


def _check(project: Project, row: Mapping[str, Any]) -> None:
    kinds = {f["field_name"]: f.get("text_validation_type_or_show_slider_number", "")
             for f in project.fields}  # fmt: skip
    unknown = [name for name in row if name not in kinds and name not in _OWN]
    if unknown:
        raise RedcapError(400, f"The following fields were not found in the project: {unknown}")
    if not row.get(project.key):
        raise RedcapError(400, f"The record identifier {project.key} is missing")
    known = [event["unique_event_name"] for event in project.events]
    if known and row.get(_OWN[0]) not in known:
        raise RedcapError(400, "The value of redcap_event_name is not a valid event")
    for name, value in row.items():
        if kinds.get(name) == "date_ymd" and value and not _DATE.fullmatch(str(value)):
            why = "The value you provided could not be validated: it is no date (YYYY-MM-DD)"
            raise RedcapError(400, f'"{row[project.key]}","{name}","{value}","{why}"')


def _delete(project: Project, form: Form, user: str) -> int:
    names = _many(form, "records")
    missing = [name for name in names if name not in project.records]
    if missing:
        raise RedcapError(400, f"The following records do not exist: {', '.join(missing)}")
    for name in names:
        project.delete(name, by=user)
    return len(names)


def dictionary(names: Sequence[tuple[str, str, str]]) -> list[Row]:
    """Rows of a data dictionary from names, instruments and validations."""
    return [
        {
            "field_name": name,
            "form_name": form,
            "field_type": "text",
            "field_label": name.replace("_", " "),
            "text_validation_type_or_show_slider_number": validation,
        }
        for name, form, validation in names
    ]
