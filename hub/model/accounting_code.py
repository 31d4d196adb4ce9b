"""An accounting code: where in the ledger money of a study or award is booked, and when."""

from hub.model.base import Entity, IdentifierType, date, flag, ref, text


class AccountingCode(Entity, table=True):
    __tablename__ = "accounting_code"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __label__ = "chartstring"
    __identifiers__ = (
        IdentifierType(type="chartstring", says="the whole code", assigned=True, literal=True),
    )

    chartstring: str | None = text("the whole code, as people write it", longest=200)
    name: str | None = text("name", longest=400)
    company: str | None = text("company", longest=100, sap="CompanyCode")
    fund: str | None = text("fund", longest=100, sap="Fund")
    cost_centre: str | None = text("cost centre", longest=100, sap="CostCenter", hl7="STF-36")
    project_code: str | None = text("project", longest=100, oracle="ProjectNumber")
    wbs: str | None = text("element of the work breakdown", longest=100, sap="WBSElement")
    gl_account: str | None = text("account in the ledger", longest=100, sap="GLAccount")
    organization_id: str | None = ref("Organization", "the department")
    study_id: str | None = ref("Study", "the study")
    award_id: str | None = ref("Award", "the award")
    start_on: str | None = date("open from")
    end_on: str | None = date("open until")
    active: bool | None = flag("may be booked on")
