"""Documents that others send the made-up institution: a study's design (USDM 4.0, as JSON) and a
supplier's invoice (UBL 2.1, as XML)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from crohub.sandbox.office_records import iso
from crohub.sandbox.studies import STUDIES, Study

_EPOCHS = {"Screening": "Screening Epoch", "Treatment": "Treatment Epoch",
           "Follow-up": "Follow-Up Epoch", "Observation": "Observation Epoch"}  # fmt: skip
_UBL = "urn:oasis:names:specification:ubl:schema:xsd"
_CURRENCY = 'currencyID="USD"'


def documents() -> Mapping[str, bytes]:
    """File names and what is in them."""
    designs = {f"design-{one.number}.json": _design(one) for one in STUDIES if one.nct}
    return {**designs, "invoice-mesa-courier.xml": _invoice().encode()}


def _design(study: Study) -> bytes:
    numbers = [{"id": "SI1", "text": study.nct, "scopeId": "Organization_1"}]
    registry = {"id": "Organization_1", "name": "CT-GOV", "identifierScheme": "USGOV",
                "identifier": "CT-GOV", "instanceType": "Organization"}  # fmt: skip
    criteria = [
        _criterion("IN01", "Inclusion Criteria", "EI1"),
        _criterion("EX01", "Exclusion Criteria", "EI2"),
    ]
    version = {
        "id": "StudyVersion_1", "versionIdentifier": "2", "instanceType": "StudyVersion",
        "titles": [{"text": study.title, "type": _code("C99905x1", "Brief Study Title")}],
        "studyIdentifiers": numbers, "organizations": [registry], "roles": [],
        "amendments": [_amendment(study)],
        "eligibilityCriterionItems": [
            {"id": "EI1", "text": f"<p>Adults with {study.condition.lower()}</p>"},
            {"id": "EI2", "text": "<p>Pregnancy</p>"},
        ],
        "studyDesigns": [
            {"id": "D1", "arms": [], "encounters": [], "epochs": _epochs(study),
             "eligibilityCriteria": criteria, "scheduleTimelines": []}
        ],
    }  # fmt: skip
    whole = {"study": {"id": None, "name": study.number, "instanceType": "Study",
                       "versions": [version]}, "usdmVersion": "4.0.0"}  # fmt: skip
    return json.dumps(whole).encode()


def _epochs(study: Study) -> list[dict[str, object]]:
    return [
        {"id": f"Ep_{place}", "name": name, "label": name,
         "type": _code(f"E{place}", _EPOCHS[name]),
         "previousId": f"Ep_{place - 1}" if place > 1 else None,
         "nextId": f"Ep_{place + 1}" if place < len(study.epochs) else None}
        for place, name in enumerate(study.epochs, 1)
    ]  # fmt: skip


def _criterion(name: str, category: str, item: str) -> dict[str, object]:
    return {"id": name, "name": name, "identifier": name, "criterionItemId": item,
            "category": _code(name, category)}  # fmt: skip


def _amendment(study: Study) -> dict[str, object]:
    return {
        "id": "A1", "number": "1", "summary": "Fewer visits", "previousId": None, "impacts": [],
        "primaryReason": {"code": _code("C17649", "Other"), "otherReason": "A shorter follow-up"},
        "dateValues": [{"type": _code("C132352", "Sponsor Approval Date"),
                        "dateValue": iso(study.started, 30)}],
    }  # fmt: skip


def _code(code: str, decode: str) -> dict[str, str]:
    return {"id": f"Code_{code}", "code": code, "decode": decode, "instanceType": "Code"}


def _invoice() -> str:
    supplier = _in("cac:PartyLegalEntity", _in("cbc:RegistrationName", "Mesa Courier (invented)"))
    total = "".join(
        f"<cbc:{name} {_CURRENCY}>105.00</cbc:{name}>"
        for name in ("TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount")
    )
    line = (
        f'{_in("cbc:ID", "10")}<cbc:InvoicedQuantity unitCode="C62">7</cbc:InvoicedQuantity>'
        f"<cbc:LineExtensionAmount {_CURRENCY}>105.00</cbc:LineExtensionAmount>"
        f"{_in('cac:Item', _in('cbc:Name', 'Shipments of samples, February'))}"
    )
    return (
        f'<Invoice xmlns="{_UBL}:Invoice-2" xmlns:cac="{_UBL}:CommonAggregateComponents-2" '
        f'xmlns:cbc="{_UBL}:CommonBasicComponents-2">{_in("cbc:ID", "MC-204")}'
        f"{_in('cbc:IssueDate', '2026-02-27')}{_in('cbc:DueDate', '2026-03-29')}"
        f"{_in('cbc:InvoiceTypeCode', '380')}{_in('cbc:DocumentCurrencyCode', 'USD')}"
        f"{_in('cac:AccountingSupplierParty', _in('cac:Party', supplier))}"
        f"{_in('cac:LegalMonetaryTotal', total)}{_in('cac:InvoiceLine', line)}</Invoice>"
    )


def _in(name: str, inside: str) -> str:
    """An element; text is escaped, elements are taken as they are."""
    return f"<{name}>{inside if inside.startswith('<') else escape(inside)}</{name}>"
