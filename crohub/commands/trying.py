"""`map` and `send`: a mapping tried on a file, a file sent to an HL7 listener."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, each, say, stop

_TARGET = re.compile(r"^mllp://(\[[0-9a-fA-F:]+\]|[^:/@]+):(\d{1,5})/?$")


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command("map")(map_)
    app.command()(send)


def map_(
    mapping: Annotated[
        str, typer.Argument(metavar="MAPPING", help="hl7v2/participant, or a file.yaml")
    ] = "",
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Messages, rows or resources.")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="Run the mappings' own cases.")] = False,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Also the mappings of this deployment.")
    ] = None,
    system: Annotated[str, typer.Option(help="The system that says it.")] = "",
    timezone: Annotated[str, typer.Option(help="Of local times without an offset.")] = "UTC",
    validate: Annotated[
        bool,
        typer.Option("--validate", help="Also tell where messages depart from their standard."),
    ] = False,
    fhir_version: Annotated[str, typer.Option(help="Of --validate: R4, R4B or R5.")] = "R4",
    gone: Annotated[bool, typer.Option("--gone", help="As a delete feed says it.")] = False,
    as_json: Json = False,
) -> None:
    """Print what a file means to a mapping, one assertion a JSON line; or --test the mappings."""
    if test:
        _test(config, mapping, as_json=as_json)
        return
    if not mapping or file is None:
        raise stop(WRONG, "expected MAPPING and FILE, or --test")
    if not file.is_file():
        raise stop(WRONG, f"{file} is no file")
    if fhir_version not in ("R4", "R4B", "R5"):
        raise stop(WRONG, f"{fhir_version!r} is no FHIR version; expected R4, R4B or R5")
    check = fhir_version if validate else ""
    _map(mapping, file, config, system, timezone, check=check, said="gone" if gone else "said")


def _map(
    name: str,
    file: Path,
    config: Path | None,
    system: str,
    timezone: str,
    *,
    check: str,
    said: Literal["said", "gone"],
) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from crohub import trial
    from mappings.mistakes import MappingErrors
    from mappings.setting import Context

    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise stop(WRONG, f"{timezone!r} is no time zone; expected e.g. Europe/Paris") from None
    try:
        chosen = trial.mapping_of(name, config, Context(system=system, timezone=zone))
    except trial.NoMapping as error:
        raise stop(WRONG, str(error)) from None
    except MappingErrors as error:
        raise stop(FAILED, str(error)) from None
    failed = 0
    for one in trial.tried(chosen, file, said=said, check=check):
        failed += not _shown(one, file)
    if failed:
        raise stop(FAILED, f"{failed} of the messages in {file} cannot be understood")


def _shown(one: object, file: Path) -> bool:
    from crohub.trial import Tried
    from mappings.plain import plain, plain_complaint

    assert isinstance(one, Tried)  # noqa: S101 - for the types; imported late
    if one.meaning is None:
        say(f"{file}:{one.number}: {one.fault}")
        return False
    for statement in one.meaning.statements:
        data(plain(statement), as_json=True)
    for complaint in one.meaning.complaints:
        told = plain_complaint(complaint)
        say(f"{file}:{one.number}: " + ", ".join(f"{k} {v}" for k, v in told.items()))
    return True


def _test(config: Path | None, name: str, *, as_json: bool) -> None:
    from crohub import trial
    from mappings import cases
    from mappings.mistakes import MappingErrors, one_of

    try:
        library = trial.library_of(config)
    except MappingErrors as error:
        raise stop(FAILED, str(error)) from None
    if name and name not in library.inbound:
        wanted = one_of(name, library.inbound)
        raise stop(WRONG, f"no mapping is called {name!r}; expected {wanted}")
    specs = [library.inbound[name]] if name else list(library.inbound.values())
    failures = cases.run_all(specs, library.codes)
    count = sum(len(spec.cases) for spec in specs)
    answer = {
        "mappings": len(specs),
        "cases": count,
        "failed": [
            {"mapping": f.mapping, "given": f.given, "file": f.mark.file, "line": f.mark.line,
             "diff": f.diff}
            for f in failures
        ],
    }  # fmt: skip
    data(answer, as_json=as_json, lines=[str(failure) for failure in failures])
    if failures:
        raise stop(FAILED, f"{len(failures)} of {count} cases fail")
    say(f"{count} cases of {len(specs)} mappings hold")


def send(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One HL7 message, or a batch.")],
    target: Annotated[str, typer.Argument(metavar="mllp://HOST:PORT")],
    timeout: Annotated[float, typer.Option(help="Seconds to wait for each answer.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Send HL7 messages over MLLP, one after the other's answer, and tell what was answered."""
    match = _TARGET.match(target)
    if not match:
        raise stop(WRONG, f"{target!r} is no target; expected mllp://host:port")
    if not file.is_file():
        raise stop(WRONG, f"{file} is no file")
    from connectors.formats import hl7batch
    from connectors.hl7v2 import Hl7v2
    from connectors.record import Delivery

    try:
        messages = hl7batch.split(file.read_bytes()).messages
    except hl7batch.BadBatch as error:
        raise stop(FAILED, f"{file}: {error}") from None
    host, port = match[1].strip("[]"), int(match[2])
    sender = Hl7v2(target_host=host, target_port=port, ack_timeout=timeout)
    deliveries = [
        Delivery(id=str(n), stream="hl7", body=body, media="hl7v2")
        for n, body in enumerate(messages, 1)
    ]
    try:
        receipts = sender.push(deliveries)
    finally:
        sender.close()
    rows = [{"message": one.id, "outcome": one.outcome, "answer": one.detail} for one in receipts]
    each(rows, as_json=as_json, columns=("message", "outcome", "answer"))
    missed = [row for row in rows if row["outcome"] != "delivered"]
    if missed:
        raise stop(FAILED, f"{len(missed)} of {len(rows)} messages were not taken")
