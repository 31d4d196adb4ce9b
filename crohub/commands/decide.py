"""`decisions` and `decide`: the questions that wait for a person, and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, each, say, stop
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crohub.node import Node
    from hub.questions import Condition

_AT_ONCE = 200  # questions of one order: each order is done in one transaction
_PATIENCE = 60.0  # seconds the answers to many are waited for
_ANSWERS = {"accept": "accepted", "decline": "declined"}
Kind = Annotated[str, typer.Option(help="Of this kind: match, identity, delivery …")]
Where = Annotated[
    list[str] | None,
    typer.Option(help="Only where weight>=20, entity=Person …; repeatable, all must hold."),
]


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command()(decisions)
    app.command()(decide)


def decisions(
    kind: Kind = "",
    where: Where = None,
    state: Annotated[str, typer.Option(help="open, accepted, declined, expired, moot.")] = "open",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """List questions for people, the oldest first, with the records they are about and the
    evidence."""
    from crohub.node import reach

    conditions = _conditions(where or ())
    with reach(config, data_folder, exists=True) as node:
        found = _found(node, kind, conditions, state, named=True)
    shown = [one if as_json else one | _row(one) for one in found]
    columns = ("id", "kind", "about", "evidence", "opened_at", "expires_at", "state")
    each(shown, as_json=as_json, columns=columns)


def decide(
    answer: Annotated[str, typer.Argument(metavar="accept|decline")],
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    reason: Annotated[str, typer.Option(help="Why, for the audit.")] = "",
    kind: Kind = "",
    where: Where = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without, by rule, only show what would be.")
    ] = False,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Answer questions: those named, or by rule all of a kind that meet conditions."""
    from crohub.node import reach

    if answer not in _ANSWERS:
        raise stop(WRONG, f"{answer!r} is no answer; expected accept or decline")
    if bool(ids) == bool(kind):
        raise stop(WRONG, "say which: ids, or --kind with as many --where as are needed")
    if not reason.strip():
        raise stop(WRONG, "--reason is needed: it enters the audit")
    conditions = _conditions(where or ())
    with reach(config, data_folder, exists=True) as node:
        found = [one["id"] for one in _found(node, kind, conditions, "open")]
        wanted = [one for one in found if not ids or one in ids]
        if unknown := sorted(set(ids or ()) - set(wanted)):
            raise stop(FAILED, f"no such open question: {', '.join(unknown)}; nothing was done")
        told: dict[str, Any] = {"questions": len(wanted), "done": False}
        if wanted and (ids or yes):
            told |= _give(node, wanted, _ANSWERS[answer], reason, where or ())
    data(told, as_json=as_json, lines=[_line(told, answer)])
    if not wanted:
        raise stop(FAILED, "no open question meets that")
    if not (ids or yes):
        say("nothing was done; --yes does it")


def _give(
    node: Node, wanted: Sequence[str], state: str, reason: str, where: Sequence[str]
) -> dict[str, Any]:
    from crohub.node import whoever

    orders = [
        {
            "do": "decide", "by": whoever(), "reason": reason, "state": state,
            "object": part[0] if len(part) == 1 else f"{len(part)} questions from {part[0]}",
            "objects": part, "detail": {"where": list(where)},
        }
        for part in (wanted[at : at + _AT_ONCE] for at in range(0, len(wanted), _AT_ONCE))
    ]  # fmt: skip
    if not node.order(*orders, seconds=_PATIENCE):
        return {}
    came = [node.told(order) for order in orders]
    counts = {name: sum(one.get(name, 0) for one in came) for name in ("answered", "left_open")}
    return {"done": True} | counts


def _found(
    node: Node, kind: str, conditions: Sequence[Condition], state: str, *, named: bool = False
) -> list[dict[str, Any]]:
    from hub import asked, questions
    from hub.reader import Reader

    session = node.places.hub(read_only=node.places.embedded)
    try:
        found = questions.meeting(session, kind=kind, conditions=conditions, state=state)
        if named:  # a name is never personal: nothing is seen
            asked.add_records(Reader(session, node.keyring, lambda *_: None), found)
    finally:
        session.close()
    return found


def _conditions(where: Sequence[str]) -> list[Condition]:
    from hub import questions

    try:
        return [questions.condition(one) for one in where]
    except ValueError as error:
        raise stop(WRONG, f"--where: {error}") from None


def _row(question: dict[str, Any]) -> dict[str, str]:
    """What a question is about, and why it is put, in a line each; days as people write them."""
    return {
        "about": _about(question["records"], question["proposal"]),
        "evidence": _told(question["evidence"]),
        "opened_at": question["opened_at"][:10],
        "expires_at": (question["expires_at"] or "")[:10],
    }


def _about(records: Sequence[dict[str, str]], proposal: dict[str, Any]) -> str:
    """`Person Ana Moreno (E217) | Ana Moreno (E901)`, `Enrollment S-0007: state`."""
    own = str(proposal.get("entity", ""))
    if not records:
        return f"{own} {proposal[own]}" if own in proposal else own
    names = " | ".join(one["name"] for one in records if one["entity"] == own)
    beside = "".join(f", {one['entity']} {one['name']}" for one in records if one["entity"] != own)
    field = f": {proposal['field']}" if proposal.get("field") else ""
    return f"{own} {names}{beside}{field}"


def _told(evidence: dict[str, Any]) -> str:
    """The evidence in one line: `may be one, 24.6 bits: birth_date same, given_name nickname`."""
    fields = evidence.get("fields", {})
    agree = ", ".join(f"{name} {one['level']}" for name, one in fields.items())
    rest = {n: v for n, v in evidence.items() if n not in ("question", "weight", "fields")}
    weight = f", {evidence['weight']} bits" if "weight" in evidence else ""
    more = "".join(f", {name} {value}" for name, value in rest.items())
    return f"{evidence.get('question', '')}{weight}{': ' if agree else ''}{agree}{more}"


def _line(told: dict[str, Any], answer: str) -> str:
    if not told["done"]:
        return f"{told['questions']} open questions meet that"
    left = f"; {told['left_open']} could not be carried out" if told["left_open"] else ""
    return f"{told['answered']} questions {_ANSWERS[answer]}{left}"
