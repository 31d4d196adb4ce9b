"""One study in a form of others: which forms there are, and the document in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from crohub.exports import odm, usdm
from crohub.exports.records import Records
from crohub.fhir.codes import Codes
from hub.principal import Principal
from hub.reader import Reader


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a study: its media type and the ending of its files."""

    name: str
    media: str
    ending: str


FORMS = {
    "odm": Form("odm", "application/odm+xml", "xml"),
    "usdm": Form("usdm", "application/json", "json"),
}


def pieces(
    reader: Reader, principal: Principal, codes: Codes, one: str, form: str, now: datetime
) -> Iterator[bytes] | None:
    """The document; None where the study does not exist for the principal."""
    records = Records(reader, principal, said=form == "odm")
    study = records.one("Study", one)
    if study is None or study["withdrawn"]:
        return None
    if form == "odm":
        return odm.written(records, study, now)
    return usdm.written(records, study, codes)
