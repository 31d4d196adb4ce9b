"""Makes a document in an ERP, so that telling it twice leaves one there.

`Delivery.target` has `object`, the name of an output, and `id`, our own number of the thing,
which stands in the document's reference field: it is looked for before anything is written. The
body is the document as the service wants it, with its items inside (deep insert).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from connectors.errors import Refused
from connectors.formats import json_text
from connectors.http import Ask, Http
from connectors.http_policy import Answer, NoAnswer
from connectors.odata.entity_set import PATH, Name
from connectors.pagers import ODataVersion
from connectors.record import Delivery, Receipt

_OURS = re.compile(r"[A-Za-z0-9._:-]{1,100}")  # what may stand between quotes in a filter


class Output(BaseModel):
    """A kind of document that is made. `reference` is the field that holds our number, at most
    `longest` characters; `number` the one in which the system names the document. As set here
    it is a debit memo request of SAP S/4HANA."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str = Field(
        default="/sap/opu/odata/sap/API_DEBIT_MEMO_REQUEST_SRV",
        pattern=PATH,
        description="Path of the service behind base_url.",
    )
    set: Name = Field(
        default="A_DebitMemoRequest",
        description="Name of the entity set that documents are made in.",
    )
    version: ODataVersion = Field(default=2, description="Version of OData, 2 or 4.")
    reference: Name = Field(
        default="PurchaseOrderByCustomer",
        description="Field that holds our own number of the document.",
    )
    longest: int = Field(default=35, ge=8, description="Characters that this field takes.")
    number: Name = Field(
        default="DebitMemoRequest", description="Field in which the system names the document."
    )
    fixed: dict[str, str] = Field(
        default_factory=dict, description="Fields that every document has, by name."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where one output is: `url` is its entity set's."""

    http: Http
    url: str
    output: Output
    params: tuple[tuple[str, str], ...]


def create(target: Target, delivery: Delivery) -> Receipt:
    """The document, made now or there before. Raises NoAnswer where it may have been made."""
    output = target.output
    if known := delivery.target.get("record", ""):
        return _receipt(delivery, known, "it is there already")
    ours, body = _reference(delivery, output), _body(delivery)
    found = _there(target, ours)
    if found:
        return _receipt(delivery, found, "it was there already")
    body = {**output.fixed, **body, output.reference: ours}
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    ask = Ask(
        url=target.url,
        method="POST",
        params=target.params,
        headers=headers,
        body=json_text.write(body),
    )
    answer = target.http.ask(ask)
    number = _number(answer, output) or _there(target, ours)
    if not number:
        raise NoAnswer(f"{answer.told}: made, but the answer has no {output.number}")
    return _receipt(delivery, number, f"HTTP {answer.status}, made")


def _receipt(delivery: Delivery, number: str, detail: str) -> Receipt:
    return Receipt(id=delivery.id, outcome="delivered", detail=detail, native_id=number)


def _reference(delivery: Delivery, output: Output) -> str:
    """Our number as the field can hold it: without hyphens where it is too long."""
    ours = delivery.target.get("id") or delivery.id
    if len(ours) > output.longest:
        ours = ours.replace("-", "")
    if len(ours) > output.longest or not _OURS.fullmatch(ours):
        raise Refused(f"target `id` does not fit into {output.reference}")
    return ours


def _body(delivery: Delivery) -> dict[str, Any]:
    said = json_text.read(delivery.body)
    if not isinstance(said, dict):
        raise Refused(f"the body is {type(said).__name__}, expected one document")
    return said


def _there(target: Target, ours: str) -> str:
    """The number of the document that holds ours; "" for none."""
    output = target.output
    asked = (("$filter", f"{output.reference} eq '{ours}'"), ("$top", "2"))
    params = (*target.params, *asked, *((("$format", "json"),) if output.version == 2 else ()))
    answer = target.http.ask(
        Ask(url=target.url, params=params, headers={"Accept": "application/json"})
    )
    rows = [one for one in _rows(answer, output) if one.get(output.reference) == ours]
    if len(rows) > 1:
        raise Refused(f"{answer.told}: {len(rows)} documents hold our number; a person must decide")
    return str(rows[0].get(output.number) or "") if rows else ""


def _rows(answer: Answer, output: Output) -> list[Mapping[str, Any]]:
    said = json_text.read(answer.body)
    inner = said.get("d" if output.version == 2 else "value") if isinstance(said, dict) else None
    found = inner.get("results") if isinstance(inner, dict) else inner
    if not isinstance(found, list):
        raise Refused(f"{answer.told}: no list of documents in the answer")
    return [one for one in found if isinstance(one, dict)]


def _number(answer: Answer, output: Output) -> str:
    try:
        said = json_text.read(answer.body)
    except Refused:
        return ""
    inner = said.get("d", said) if isinstance(said, dict) else None
    return str(inner.get(output.number) or "") if isinstance(inner, dict) else ""
