"""`audit`: the trail of who did or saw what and why, exported, proven, and its signing keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, each, said, say, stop
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from hub.audit.verify import Report

audit = typer.Typer(no_args_is_help=True, help="The audit trail.")
Reason = Annotated[str, typer.Option(help="Why, for the audit.", callback=said)]


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.add_typer(audit, name="audit")


@audit.command()
def verify(
    file: Annotated[Path | None, typer.Argument(help="An export; without: the store.")] = None,
    heads: Annotated[
        list[Path] | None, typer.Option(help="Also a file of signed heads; repeatable.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Trust only the keys in this file: heads or an export.")
    ] = None,
    require_heads: Annotated[
        bool, typer.Option("--require-heads", help="Fail where no signed head is from outside.")
    ] = False,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Prove that nothing was changed, taken out or cut off: of the store with its versions, or
    offline of an export. Names every entry that is not as it was; the first is told first. Fails,
    too, where hub.yaml names places for signed heads and none of them holds one."""
    for one in (file, *(heads or ()), keys):
        if one is not None and not one.is_file():
            raise stop(WRONG, f"there is no file {one}")
    if file is not None:
        report = _exported(file, heads or [], keys)
    else:
        from crohub import auditing
        from crohub.node import reach

        with reach(config, data_folder, exists=True) as node:
            report = auditing.look(node.places, node.deployment, heads or ())
            require_heads |= bool(node.deployment.hub.audit.anchor and report.bare)
    data(_answer(report), as_json=as_json, lines=[*_told(report), *report.broken])
    if report.broken:
        raise stop(FAILED, f"{len(report.broken)} faults; the first is {report.broken[0]}")
    if not _is_held_outside(report) and require_heads:
        raise stop(FAILED, "not proven: signed heads from outside are required")


def _is_held_outside(report: Report) -> bool:
    """Whether a signed head from outside shows how far the chains went; says so where none does."""
    for place in report.bare:
        say(f"{place} holds no signed head")
    if not report.heads:
        say(
            "no signed head from outside was found: entries cut off the end of a chain would not be"
            " missed; expected some where audit.anchor of hub.yaml says, or --heads FILE"
        )
    return report.heads > 0


def _exported(file: Path, heads: list[Path], keys: Path | None) -> Report:
    from crohub import auditing
    from hub.audit import verify as proof
    from hub.audit.heads import Outside
    from hub.audit.signing import Altered

    try:
        trusted = auditing.introduced(keys) if keys else {}
        known = trusted or auditing.introduced(file)
    except Altered as error:
        raise stop(FAILED, f"the keys that introduce themselves are not sound: {error}") from None
    if keys and not trusted:
        raise stop(WRONG, f"no key introduces itself in {keys}; expected an export")
    asked = Outside()
    for one in heads:
        auditing.take(asked, one, known)
    with file.open("rb") as stream:
        return proof.exported(stream, asked, trusted)


def _answer(report: Report) -> dict[str, Any]:
    return {
        "entries": report.entries, "chains": report.chains, "versions": report.versions,
        "heads": report.heads, "held_outside": report.heads > 0, "bare": report.bare,
        "keys": report.keys, "exported": report.exported, "broken": report.broken,
    }  # fmt: skip


def _told(report: Report) -> list[str]:
    told = [f"{report.entries} entries in {report.chains} chains"]
    if report.exported:
        told.append(f"exported at {report.exported.get('at')} by {report.exported.get('by')}")
    else:
        told.append(f"{report.versions} versions are what the audit says of them")
    told.append(f"{report.heads} signed heads from outside")
    told.append(f"signed with {', '.join(report.keys) or 'no key'}")
    return told if not report.broken else told[:1]


@audit.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write it; must not be there yet.")],
    reason: Reason,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Write the whole audit, this export included, as a file that proves itself offline."""
    from crohub import auditing
    from crohub.node import reach, whoever
    from hub import clock
    from hub.audit import signing
    from hub.audit.export import export as write

    if file.exists():
        raise stop(WRONG, f"{file} is there already; expected a new name")
    with reach(config, data_folder, exists=True) as node:
        order = {"do": "exported", "by": whoever(), "object": file.name[:200], "reason": reason}
        if not node.order(order, seconds=60.0):
            raise stop(FAILED, "the hub has not come to enter the export in the audit; try again")
        signer = signing.load(node.places.signing_key, clock.now())
        about = {
            "institution": node.deployment.hub.institution, "by": whoever(), "reason": reason,
        }  # fmt: skip
        with auditing.moment(node.places) as session, _new(file) as stream:
            count = write(session, signer, stream, clock.now(), about)
    answer = {"file": str(file), "entries": count, "key": signer.id}
    data(answer, as_json=as_json, lines=[f"{count} entries, signed with {signer.id}"])


def _new(file: Path) -> Any:  # noqa: ANN401 - a file
    """A file that only its owner reads, written in large pieces."""
    import os

    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(handle, "wb", buffering=1 << 20)


@audit.command("list")
def list_(
    by: Annotated[
        str, typer.Option(help="Only of this person or key: cli:ada, key:reporting.")
    ] = "",
    action: Annotated[str, typer.Option(help="Only this: saw, pause, key, refused …")] = "",
    about: Annotated[str, typer.Option(help="Only about this record, message or name.")] = "",
    since: Annotated[str, typer.Option(help="ISO 8601; a date is its first moment, UTC.")] = "",
    until: Annotated[str, typer.Option(help="As --since; before then.")] = "",
    settled: Annotated[bool, typer.Option("--settled", help="Automatic changes, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """List entries, the newest first: who did or saw what, when, why and from where."""
    from crohub import auditing
    from crohub.node import reach
    from hub import filters
    from hub.audit import review
    from hub.query import BadQuery

    try:
        bounds = [
            filters.moment(n, text) if text else 0
            for n, text in (("since", since), ("until", until))
        ]
    except BadQuery as error:
        raise stop(WRONG, f"--{error}") from None
    wanted = review.Wanted(
        actor=by, action=action, about=about, since=bounds[0], until=bounds[1], settled=settled,
        limit=limit,
    )  # fmt: skip
    with reach(config, data_folder, exists=True) as node, auditing.moment(node.places) as session:
        found = review.find(session, wanted)
    columns = ("at", "actor", "action", "object", "reason", "origin", "entry")
    each(found, as_json=as_json, columns=columns)
    if not found:
        say("no entry is like that")
    elif len(found) == limit:
        say("there may be more: --until the time of the last")


@audit.command("keys")
def keys_(config: Config = HERE, data_folder: Data = None, as_json: Json = False) -> None:
    """List the public keys that the audit is or was signed with, the newest last."""
    import json

    from crohub.node import reach
    from hub import clock
    from hub.audit import signing

    with reach(config, data_folder, exists=True) as node:
        signer = signing.load(node.places.signing_key, clock.now())
    rows = [json.loads(line) for line in signer.lines]
    each(rows, as_json=as_json, columns=("id", "made_at", "public"))


@audit.command()
def rotate(
    reason: Reason, config: Config = HERE, data_folder: Data = None, as_json: Json = False
) -> None:
    """Sign with a new key from now on. The old one vouches for it and is forgotten; what it has
    signed stays good."""
    from crohub.node import reach, whoever
    from hub import clock
    from hub.audit import signing

    with reach(config, data_folder, exists=True) as node:
        before = signing.load(node.places.signing_key, clock.now())
        after = signing.rotate(node.places.signing_key, clock.now())
        order = {
            "do": "rotated", "by": whoever(), "object": after.id, "reason": reason,
            "detail": {"before": before.id},
        }  # fmt: skip
        done = node.order(order)
    answer = {"key": after.id, "before": before.id, "done": done}
    data(answer, as_json=as_json, lines=[f"signed with {after.id} from now on"])
    if not done:
        say("the hub has yet to come to its entry in the audit")


@audit.command()
def guard(
    role: Annotated[str, typer.Argument(help="The role of PostgreSQL the hub works under.")],
    reason: Reason,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Bring the database forward as its owner (its address in CROHUB_OWNER), and let a role that
    owns nothing work in it: it may add to the histories and read them, not change them."""
    from crohub import auditing
    from hub.audit.guard import CannotGuard
    from pipelines import settings

    deployment = settings.load(config)
    try:
        auditing.guard(deployment, config, data_folder, role, reason)
    except CannotGuard as error:
        raise stop(WRONG, str(error)) from None
    told = f"{role} may add to the histories and read them; name it in hub.yaml: database"
    data({"role": role}, as_json=as_json, lines=[told])
