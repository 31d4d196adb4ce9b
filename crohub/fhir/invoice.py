"""An invoice, debit memo or credit note as Invoice, with its lines."""

from __future__ import annotations

from crohub.fhir.kind import Kind, Param, Part
from crohub.fhir.scene import Json, Scene, concept, money, of_study, own, reference, status, time
from hub.render import Record

_TABLE = "invoice-state-to-fhir"


def write(record: Record, scene: Scene) -> Json:
    """Who pays is the recipient of what the institution sends, and the issuer of what it gets."""
    party = reference(record["party"])
    kind, direction = record["kind"], record["direction"]
    text = record["kind_native"] or kind
    codes = (own("Invoice.kind", kind), own("Invoice.direction", direction))
    made: Json = {
        "extension": of_study(record),
        "identifier": scene.identifiers(record),
        "type": concept(text, *codes),
        "issuer" if direction == "ap" else "recipient": party,
        "lineItem": [_line(one, scene) for one in scene.children("lines", record)],
        "totalNet": money(record["subtotal_amount"], record["currency"]),
        "totalGross": money(record["total_amount"], record["currency"]),
        "creation" if scene.r5 else "date": time(record["issued_on"]),
    }
    said = scene.codes.says(_TABLE, record["state"])
    status(made, "status", said, record["state"], record["state_native"])
    return made


def _line(record: Record, scene: Scene) -> Json:
    paid = {"amount": money(record["amount"], record["currency"])}
    tax = {"amount": money(record["tax_amount"], record["currency"])}
    priced = [{"type": "base", **paid}] if paid["amount"] else []
    priced += [{"type": "tax", **tax}] if tax["amount"] else []
    return {
        "sequence": record["sequence"] if (record["sequence"] or 0) > 0 else None,
        "chargeItemCodeableConcept": concept(record["description"] or "not described"),
        "priceComponent": priced,
    }


KIND = Kind(
    type="Invoice",
    entity="Invoice",
    says="an invoice, debit memo or credit note",
    write=write,
    params=(
        Param(name="identifier", search="identifier", says="number of its issuer, or of the ERP"),
        Param(name="status", search="token", field="state", table=_TABLE, says="the state"),
        Param(name="type", search="token", field="kind", says="the canonical kind"),
        Param(name="date", search="date", field="issued_on", says="when it was issued"),
        Param(name="recipient", search="reference", field="party", target="Organization",
              says="who pays, or is paid"),
        Param(name="study", search="reference", field="study", target="ResearchStudy", own=True,
              says="the study it is about"),
    ),
    parts=(Part(name="lines", entity="InvoiceLine", by="invoice", sort="sequence"),),
    dates=("issued_on",),
)  # fmt: skip
