"""`why`: who says so, and why it is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, say, stop
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crohub.node import Node
    from hub.model.spec import EntitySpec
    from hub.principal import Principal
    from hub.provenance import Story
    from hub.reader import Reader


def add_to(app: typer.Typer) -> None:
    """Adds this family's command."""
    app.command()(why)


def why(
    entity: Annotated[str, typer.Argument(help="Enrollment, Study, Person …")],
    record: Annotated[str, typer.Argument(metavar="RECORD", help="Its name, TYPE|value or id.")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIELD]...", help="Of these only; phi.birth_date of a sealed part."
        ),
    ] = None,
    within: Annotated[
        str,
        typer.Option("--in", help="What it belongs to, where several are meant: a study."),
    ] = "",
    form: Annotated[str, typer.Option("--as", help="fhir or prov instead of sentences.")] = "",
    reason: Annotated[str, typer.Option(help="Why you look, for the audit of sealed parts.")] = "",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Tell why a record's fields have their values: who said them, in which message, which rule
    let them win, and what the others say."""
    from crohub import why as telling
    from crohub.node import reach
    from crohub.provenance import FORMS

    spec = telling.entity(entity)
    if spec is None or spec.beside:
        raise stop(WRONG, f"{entity!r} is no kind of record; expected Enrollment, Study, Person …")
    if form and form not in FORMS:
        raise stop(WRONG, f"{form!r} is no form; expected {' or '.join(FORMS)}")
    with reach(config, data_folder, exists=True) as node:
        story = _story(node, spec, (record, within), fields or (), reason)
    if form:
        data(FORMS[form][1](story), as_json=True)
        return
    data(story.plain(), as_json=as_json, lines=telling.lines(story))


def _story(
    node: Node, spec: EntitySpec, record: tuple[str, str], fields: Sequence[str], reason: str
) -> Story:
    from crohub import lookup
    from hub.principal import ALL, Forbidden, Principal
    from hub.provenance import Teller
    from hub.query import BadQuery
    from hub.reader import Reader
    from pipelines import settling

    who = Principal(name="cli", scopes=frozenset(ALL), purpose=reason)

    def saw(entity: str, ids: Sequence[str], _: Principal) -> None:
        _enter(node, entity, ids, reason)

    session = lookup.reading(node.places)
    try:
        reader = Reader(session, node.keyring, saw)
        teller = Teller(
            reader, settling.policy_of(node.deployment), lambda seqs: lookup.sources(session, seqs)
        )
        one = _meant(reader, who, spec, record)
        story = teller.story(who, spec, one, fields)
    except (BadQuery, Forbidden) as error:
        raise stop(WRONG, str(error)) from None
    finally:
        session.close()
    if story is None:
        raise stop(FAILED, f"there is no {spec.name} {record[0]}")
    return story


def _meant(reader: Reader, who: Principal, spec: EntitySpec, record: tuple[str, str]) -> str:
    from crohub import why as telling

    name, within = record
    found = telling.find(reader, who, spec, name)
    if within:
        found = telling.within(reader, who, spec, found, within)
    if not found:
        raise stop(FAILED, f"no {spec.name} is known by that name or number")
    if len(found) > 1:
        say("\n".join(telling.apart(reader, who, spec, found)))
        raise stop(FAILED, f"{len(found)} records are meant; say which with --in, or by its id")
    return found[0]


def _enter(node: Node, entity: str, ids: Sequence[str], reason: str) -> Any:  # noqa: ANN401
    from crohub.node import whoever

    order = {
        "do": "saw", "by": whoever(), "object": entity, "reason": reason,
        "detail": {"ids": list(ids)},
    }  # fmt: skip
    return node.order(order)
