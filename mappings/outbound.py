"""Says a canonical change in a target's words: the mirror of the inbound mapping."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any

import orjson

from connectors.record import Delivery
from hub.model.spec import entities
from mappings import calls, canonical
from mappings import compile as compiling
from mappings.canonical import CanonicalView
from mappings.compile import Workshop
from mappings.outbound_language import Change, Outgoing, Shape
from mappings.setting import Setting
from mappings.spec import Rule
from mappings.transforms import as_text
from mappings.values import BadValue, NotUnderstood

Say = Callable[[CanonicalView], Any]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to say yet; `reason` names what must be known first."""

    reason: str


@dataclass(frozen=True, slots=True)
class Outbound:
    """One outbound mapping, compiled for one target."""

    outgoing: Outgoing
    requires: tuple[tuple[str, Say], ...]
    target: dict[str, Say]
    body: Callable[[CanonicalView, str, datetime], bytes]

    def wants(self, view: CanonicalView, before: CanonicalView | None) -> bool:
        """Is this version of the record to be said? `before` is the one it came from, if any."""
        return all(_holds(change, view, before) for change in self.outgoing.when)

    def render(self, view: CanonicalView, *, delivery_id: str, now: datetime) -> Delivery | Wait:
        """The delivery, the same for the same arguments; or Wait where a required value is not
        known. Raises NotUnderstood for a value that the target's words do not have."""
        for place, say in self.requires:
            if say(view) in (None, ""):
                return Wait(f"{place} is not known yet")
        target = {name: as_text(found) for name, say in self.target.items() if (found := say(view))}
        return Delivery(
            id=delivery_id,
            stream=self.outgoing.stream,
            body=self.body(view, delivery_id, now),
            media=self.outgoing.writes,
            target=target,
        )


def outbound(outgoing: Outgoing, setting: Setting) -> Outbound:
    """The compiled mapping; `setting` is the target's: its system's code rows win."""
    entity = entities()[outgoing.entity]
    shop = Workshop(medium=canonical.medium(entity), setting=setting)
    return Outbound(
        outgoing=outgoing,
        requires=tuple((_wanted(rule), _say(rule, shop)) for rule in outgoing.requires),
        target={name: _say(rule, shop) for name, rule in outgoing.target.items()},
        body=_BODIES[outgoing.writes](outgoing, shop),
    )


def _wanted(rule: Rule) -> str:
    """What a delivery waits for, as a person reads it."""
    return calls.functions()[rule.call].says if rule.call else rule.place


def _holds(change: Change, view: CanonicalView, before: CanonicalView | None) -> bool:
    if change.beyond:
        found = change.beyond(view)
        said = found if isinstance(found, list) else [] if found is None else [found]
        so = any(not change.values or as_text(one) in change.values for one in said)
        return so is not change.lacks
    after = view.get(change.field)
    if change.lacks:
        return after is None
    if change.values and (after is None or as_text(after) not in change.values):
        return False
    if change.stays:
        return before is not None and before.get(change.field) == after
    if not change.values and not change.now:
        return after is not None
    return not change.now or before is None or before.get(change.field) != after


def _say(rule: Rule, shop: Workshop, *, kind: str = "text") -> Say:
    get = compiling.value(rule, shop, kind=kind)

    def say(view: CanonicalView) -> Any:  # noqa: ANN401 - a value of the target
        try:
            return get(view, None)
        except BadValue as bad:
            if rule.on_bad == "leave out":
                return None
            raise NotUnderstood(rule=bad.rule, place=rule.place, expected=bad.expected) from None

    return say


# -- bodies


def _hl7(outgoing: Outgoing, shop: Workshop) -> Callable[[CanonicalView, str, datetime], bytes]:
    from connectors.formats import er7_write  # brings hl7apy, which takes long to import

    fields = {path: _say(rule, shop) for path, rule in outgoing.fields.items()}

    def body(view: CanonicalView, delivery_id: str, now: datetime) -> bytes:
        said = {path: found for path, say in fields.items() if (found := say(view))}
        said.setdefault("MSH-7", f"{now:%Y%m%d%H%M%S%z}")
        said.setdefault("MSH-10", delivery_id)
        if "EVN-1" in said:
            said.setdefault("EVN-2", said["MSH-7"])
        message = _of_event(outgoing.message, said.pop("MSH-9.2", ""))
        try:
            return er7_write.build(message, said, version=outgoing.version)
        except ValueError as error:
            expected = f"what {message} can hold ({error})"
            raise NotUnderstood(
                rule="unwritable-hl7", place=outgoing.name, expected=expected
            ) from None

    return body


def _of_event(message: str, event: str) -> str:
    """The message's type with the event that a record calls for, where the mapping says one."""
    kind, said, structure = [*message.split("^"), "", ""][:3]
    return "^".join((kind, event or said, structure))


def _json(outgoing: Outgoing, shop: Workshop) -> Callable[[CanonicalView, str, datetime], bytes]:
    make = _shaped(outgoing.resource if outgoing.resource is not None else {}, shop)

    def body(view: CanonicalView, _delivery_id: str, _now: datetime) -> bytes:
        return orjson.dumps(make(view) or {})

    return body


def _event(outgoing: Outgoing, shop: Workshop) -> Callable[[CanonicalView, str, datetime], bytes]:
    """A CloudEvent in structured mode; what the mapping shapes is its data."""
    make = _shaped(outgoing.resource if outgoing.resource is not None else {}, shop)
    subject = _say(outgoing.subject, shop) if outgoing.subject else None

    def body(view: CanonicalView, delivery_id: str, now: datetime) -> bytes:
        about = subject(view) if subject else None
        event = {
            "specversion": "1.0",
            "id": delivery_id,
            "source": outgoing.source,
            "type": outgoing.type,
            **({"subject": as_text(about)} if about not in _NOTHING else {}),
            "time": now.isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": make(view) or {},
        }
        return orjson.dumps(event)

    return body


def _shaped(shape: Shape, shop: Workshop) -> Say:
    """The shape with its values; a value, object or list that holds nothing is left out."""
    if isinstance(shape, Rule):
        return _say(shape, shop, kind="raw")
    if isinstance(shape, list):
        items = [_shaped(item, shop) for item in shape]
        return lambda view: [made for item in items if (made := item(view)) not in _NOTHING]
    parts = {name: _shaped(part, shop) for name, part in shape.items()}
    return lambda view: {
        name: made for name, part in parts.items() if (made := part(view)) not in _NOTHING
    }


_NOTHING: tuple[Any, ...] = (None, "", [], {})


def _row(outgoing: Outgoing, shop: Workshop) -> Callable[[CanonicalView, str, datetime], bytes]:
    columns = {name: _say(rule, shop) for name, rule in outgoing.fields.items()}

    def body(view: CanonicalView, _delivery_id: str, _now: datetime) -> bytes:
        text = StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerow(["" if (found := say(view)) is None else found for say in columns.values()])
        return text.getvalue().encode()

    return body


_BODIES = {
    "hl7v2": _hl7,
    "application/fhir+json": _json,
    "application/json": _json,
    "application/cloudevents+json": _event,
    "text/csv;row": _row,
}
