"""A purchase order: what was ordered for research, from whom, and how much of it came."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, decimal, ref, text
from hub.model.currencies import CURRENCIES

STATUSES = (
    "draft", "approved", "sent", "partially_received", "received", "closed", "cancelled",
)  # fmt: skip
TRANSITIONS = {
    "draft": ("approved", "sent"),
    "approved": ("draft", "sent", "closed"),
    "sent": ("partially_received", "received", "closed"),
    "partially_received": ("received", "closed"),
    "received": ("closed",),
    "closed": ("sent",),
    "cancelled": (),
}


class PurchaseOrder(Entity, table=True):
    __tablename__ = "purchase_order"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __label__ = "order_no"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("cancelled",))
    __identifiers__ = (
        IdentifierType(type="purchase_order_no", says="number in the ERP", assigned=True),
    )

    order_no: str | None = text("number people know it by", longest=100, sap="PurchaseOrder")
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    supplier_id: str | None = ref("Organization", "from whom", sap="Supplier")
    study_id: str | None = ref("Study", "the study")
    award_id: str | None = ref("Award", "the award")
    contract_id: str | None = ref("Contract", "the contract it is under")
    requester_id: str | None = ref("Person", "who asked for it")
    description: str | None = text("what is ordered", longest=1000)
    ordered_on: str | None = date("ordered", sap="PurchaseOrderDate")
    needed_on: str | None = date("needed by")
    total_amount: str | None = decimal("what it costs")
    received_amount: str | None = decimal("what came, at its price")
    invoiced_amount: str | None = decimal("what was invoiced")
    currency: str | None = code("currency", CURRENCIES, sap="DocumentCurrency")
    accounting_code_id: str | None = ref("AccountingCode", "the account it is paid from")
