"""`override` and `lift`: a person's own word about a field, until its time is over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crohub.commands.ending import WRONG, Json, data, said, stop
from crohub.commands.giving import give
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from hub.model.spec import EntitySpec

Why = Annotated[str, typer.Option("--reason", help="Why, for the audit.", callback=said)]


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command()(override)
    app.command()(lift)


def override(
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="Enrollment, Study …")],
    one: Annotated[str, typer.Argument(metavar="ID")],
    field: Annotated[str, typer.Argument(metavar="FIELD", help="phi.birth_date of a sealed part.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="null: it has none.")],
    reason: Why,
    until: Annotated[str, typer.Option(help="When it ends: a day, or an instant.")] = "",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Say what a field is, whatever the systems say: it counts until it ends or is lifted."""
    from crohub.node import whoever
    from hub.override import Override, fault_of
    from hub.reader import field_of

    spec, field = field_of(_spec(entity), field)
    given = Override(entity=spec.name, id=one, field=field, value=_value(spec, field, value))
    if fault := fault_of(spec, given):
        raise stop(WRONG, fault)
    order = {
        "do": "override", "by": whoever(), "object": f"{spec.name} {one}", "entity": spec.name,
        "id": one, "field": field, "value": given.value, "until": _moment(until),
        "reason": reason, "detail": {"field": field, "until": until},
    }  # fmt: skip
    told = give(order, config, data_folder)
    ends = f" until {until}" if until else ""
    lines = [f"{spec.name}.{field} is what you say{ends}; `crohub lift {told['decision']}` ends it"]
    data(told, as_json=as_json, lines=lines)


def lift(
    decision: Annotated[str, typer.Argument(metavar="ID", help="The override's decision.")],
    reason: Why,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """End an override: what it had hidden counts again."""
    from crohub.node import whoever

    order = {"do": "lift", "by": whoever(), "object": decision, "reason": reason}
    give(order, config, data_folder)
    data({"lifted": decision}, as_json=as_json, lines=["what the systems say counts again"])


def _spec(entity: str) -> EntitySpec:
    from hub.model.spec import entities
    from mappings.mistakes import one_of

    spec = entities().get(entity)
    if spec is None:
        raise stop(WRONG, f"{entity!r} is no kind of record; expected {one_of(entity, entities())}")
    return spec


def _value(spec: EntitySpec, field: str, text: str) -> Any:  # noqa: ANN401 - JSON
    """What was typed, as the field has it: numbers, flags and lists as JSON, all else as text."""
    if text == "null":
        return None
    kind = spec.fields[field].meta.kind if field in spec.fields else ""
    if kind not in ("integer", "flag", "texts"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _moment(until: str) -> int | None:
    """A day ends where the hub's clock says that it begins, in UTC."""
    from datetime import UTC, datetime

    from hub import clock

    if not until:
        return None
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        raise stop(WRONG, f"{until!r} is no day or instant; expected e.g. 2026-12-31") from None
    ends = clock.micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    if ends <= clock.now():
        raise stop(WRONG, f"{until} is over; expected a time to come")
    return ends
