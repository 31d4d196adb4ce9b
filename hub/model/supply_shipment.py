"""A supply shipment: study product, kits or devices on their way to a site, or back."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, decimal, flag, ref, text

KINDS = (
    "investigational_product", "comparator", "device", "laboratory_kit", "equipment", "documents",
    "other",
)  # fmt: skip
DIRECTIONS = ("to_site", "from_site")
STATUSES = (
    "planned", "requested", "shipped", "received", "quarantined", "returned", "destroyed", "lost",
    "cancelled",
)  # fmt: skip
TRANSITIONS = {
    "planned": ("requested", "shipped", "cancelled"),
    "requested": ("shipped", "cancelled"),
    "shipped": ("received", "quarantined", "returned", "lost"),
    "received": ("quarantined", "returned", "destroyed"),
    "quarantined": ("received", "returned", "destroyed"),
    "returned": ("destroyed",),
    "destroyed": (),
    "lost": ("received",),
    "cancelled": ("requested",),
}


class SupplyShipment(Entity, table=True):
    __tablename__ = "supply_shipment"
    __area__ = "sites"
    __label__ = "shipment_no"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS)
    __identifiers__ = (
        IdentifierType(type="shipment_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site")
    shipment_no: str | None = text("number people know it by", longest=100)
    direction: str | None = code("which way it goes", DIRECTIONS)
    direction_native: str | None = text("direction as the source said it", longest=200)
    kind: str | None = code("what is sent", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    description: str | None = text("what is sent, in words that unblind nobody", longest=400)
    supplier_id: str | None = ref(
        "Organization", "who sends it, or takes it back", fhir="SupplyDelivery.supplier"
    )
    carrier: str | None = text("who carries it", longest=200)
    tracking_no: str | None = text("the carrier's number of it", longest=100)
    quantity: str | None = decimal("how many", fhir="SupplyDelivery.suppliedItem.quantity")
    unit: str | None = text("unit of the quantity, UCUM or a word", longest=40)
    lot_no: str | None = text("lot, where it unblinds nobody", longest=100)
    expires_on: str | None = date("last day it may be used")
    requested_on: str | None = date("asked for")
    shipped_on: str | None = date("sent")
    expected_on: str | None = date("expected")
    received_on: str | None = date("received", fhir="SupplyDelivery.occurrenceDateTime")
    received_by_id: str | None = ref("Person", "who received it", fhir="SupplyDelivery.receiver")
    temperature_excursion: bool | None = flag("was too warm or too cold on its way")
    status: str | None = code("status", STATUSES, fhir="SupplyDelivery.status")
    status_native: str | None = text("status as the source said it", longest=200)
