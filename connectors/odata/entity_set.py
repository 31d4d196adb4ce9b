"""One entity set of a service, as settings, and what is shipped for SAP S/4HANA."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connectors.pagers import AnyPager, NextLink, ODataVersion, Offset, Seek
from connectors.rest_stream import Grain, Since, Stream, known_zone

NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME)]
PATH = r"^(/[A-Za-z0-9._;=-]+)+$"
# How a moment is written in a filter, and how finely: V2 has literals of their own.
_LITERALS: dict[str, tuple[str, Grain]] = {
    "datetime": ("datetime'{since}'", "bare_instant"),
    "datetimeoffset": ("datetimeoffset'{since}'", "instant"),
    "instant": ("{since}", "instant"),
    "date": ("{since}", "date"),
}


class EntitySet(BaseModel):
    """Where a list is and how it is asked for changes. `key` are the names that make an entity
    one; `modified` says when it changed. With `delta` the service is asked to remember what we
    have seen (V4); `whole` reads the whole list each time, and what it misses has gone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str = Field(
        default="",
        pattern=rf"{PATH}|^$",
        description="Path of the service behind base_url; unsaid: that of the shipped stream.",
    )
    set: str = Field(
        default="",
        pattern=rf"{NAME}|^$",
        description="Name of the entity set; unsaid: that of the shipped stream.",
    )
    version: ODataVersion = Field(default=2, description="Version of OData, 2 or 4.")
    key: tuple[Name, ...] = Field(
        default=(),
        description="Fields that together make an entity one; unsaid: those of the shipped stream.",
    )
    modified: str = Field(
        default="",
        pattern=rf"{NAME}|^$",
        description="Field that says when an entity changed; empty: none.",
    )
    literal: Literal["datetime", "datetimeoffset", "instant", "date"] = Field(
        default="datetimeoffset",
        description="How a filter writes that time; the first two for V2, the others for V4.",
    )
    timezone: Annotated[str, AfterValidator(known_zone)] = Field(
        default="UTC", description="Time zone of times without an offset, for one Europe/Vienna."
    )
    select: tuple[Name, ...] = Field(default=(), description="Fields to read; empty: all.")
    expand: tuple[Name, ...] = Field(
        default=(), description="Navigation properties to read along; empty: none."
    )
    filter: str = Field(
        default="", description="OData filter that holds for all entities; empty: none."
    )
    paging: Literal["seek", "server", "skip"] = Field(
        default="seek",
        description="Next page: behind the last entity, by the server's links, or by $skip.",
    )
    page: int = Field(default=500, ge=1, description="Entities asked for on one page.")
    delta: bool = Field(
        default=False, description="V4: let the service keep a delta link that tells what changed."
    )
    whole: bool = Field(
        default=False, description="Always read the whole list, so that what is missing has gone."
    )

    @model_validator(mode="after")
    def _says_one_way(self) -> Self:
        if self.delta and (self.version == 2 or self.whole or self.modified):
            raise ValueError("`delta` is V4's own way; leave out `modified` and `whole`")
        if self.whole and self.modified:
            raise ValueError("a whole list is not asked for changes: `modified` or `whole`")
        return self

    @property
    def path(self) -> str:
        return f"{self.service}/{self.set}"

    @property
    def headers(self) -> dict[str, str]:
        """V4: decimals as text, so that no reader rounds them, and how long a page may be."""
        if self.version == 2:
            return {}
        wish = ["odata.track-changes"] if self.delta else []
        return {
            "Accept": "application/json;IEEE754Compatible=true",
            "OData-MaxVersion": "4.01",
            "Prefer": ", ".join([*wish, f"odata.maxpagesize={self.page}"]),
        }

    def stream(self, overlap: int, params: Mapping[str, str]) -> Stream:
        """The entity set as a stream of a REST system."""
        said = dict(params) | ({"$format": "json"} if self.version == 2 else {})
        said |= (
            {"$select": ",".join(dict.fromkeys([*self.select, *self._order]))}
            if self.select
            else {}
        )
        said |= {"$expand": ",".join(self.expand)} if self.expand else {}
        said |= {"$filter": self.filter} if self.filter else {}
        said |= {} if self.delta else {"$orderby": ",".join(self._order)}
        return Stream(
            path=self.path,
            params=said,
            records="d.results" if self.version == 2 else "value",
            id=self._id(),
            modified=self.modified,
            ordered=bool(self.modified),
            timezone=self.timezone,
            since=self._since(overlap),
            pager=self._pager(),
            whole=self.whole,
        )

    @property
    def _order(self) -> tuple[str, ...]:
        return (self.modified, *self.key) if self.modified else self.key

    def _pager(self) -> AnyPager:
        """Links of the server and `$skip` count places: what changes while it is read moves."""
        if self.paging == "skip":
            names = {"offset_param": "$skip", "limit_param": "$top"}
            return Offset(kind="offset", limit=self.page, **names)
        if self.paging == "server":
            link = "d.__next" if self.version == 2 else '"@odata.nextLink"'
            return NextLink(kind="next_link", link=link)
        return Seek(
            kind="seek", fields=self._order, where=self.filter, version=self.version, size=self.page
        )

    def _id(self) -> str:
        if len(self.key) == 1:
            return self.key[0]
        return f"join('/', [{', '.join(f'to_string({one})' for one in self.key)}])"

    def _since(self, overlap: int) -> Since | None:
        if not self.modified:
            return None
        literal, grain = _LITERALS[self.literal]
        asked = f"{self.modified} ge {literal}"
        value = f"({self.filter}) and {asked}" if self.filter else asked
        return Since(param="$filter", value=value, grain=grain, overlap=overlap)


_SAP = "/sap/opu/odata/sap"
_BASIC = f"{_SAP}/API_JOURNALENTRYITEMBASIC_SRV"
_LINE = ("CompanyCode", "FiscalYear", "AccountingDocument", "LedgerGLLineItem")
SHIPPED: dict[str, EntitySet] = {
    "partners": EntitySet(
        service=f"{_SAP}/API_BUSINESS_PARTNER", set="A_BusinessPartner", key=("BusinessPartner",),
        filter="BusinessPartnerCategory eq '2'", whole=True,
    ),
    "cost_centres": EntitySet(
        service=f"{_SAP}/API_COSTCENTER_SRV", set="A_CostCenter", whole=True,
        key=("ControllingArea", "CostCenter", "ValidityEndDate"), expand=("to_Text",),
    ),
    "ledger": EntitySet(
        service=_BASIC, set="A_JournalEntryItemBasic", key=_LINE, filter="Ledger eq '0L'",
        modified="CreationDate", literal="datetime",
    ),
    "receipts": EntitySet(
        service=_BASIC, set="A_JournalEntryItemBasic", key=_LINE,
        filter="Ledger eq '0L' and AccountingDocumentType eq 'DZ' and FinancialAccountType eq 'D'",
        modified="CreationDate", literal="datetime",
    ),
    "clearings": EntitySet(
        service=_BASIC, set="A_JournalEntryItemBasic", key=_LINE,
        filter="Ledger eq '0L' and FinancialAccountType eq 'D' and DebitCreditCode eq 'S' "
        "and ClearingAccountingDocument ne ''",
        modified="ClearingDate", literal="datetime",
    ),
    "invoices": EntitySet(
        service=f"{_SAP}/API_BILLING_DOCUMENT_SRV", set="A_BillingDocument",
        key=("BillingDocument",), modified="LastChangeDateTime", expand=("to_Item",),
    ),
    "supplier_invoices": EntitySet(
        service=f"{_SAP}/API_SUPPLIERINVOICE_PROCESS_SRV", set="A_SupplierInvoice",
        key=("SupplierInvoice", "FiscalYear"), modified="LastChangeDateTime",
    ),
}  # fmt: skip


def completed(name: str, given: Mapping[str, EntitySet]) -> EntitySet | None:
    """The entity set of a stream: what settings say of it laid over what is shipped. Raises
    ValueError where that fits together no more."""
    shipped, said = SHIPPED.get(name), given.get(name)
    if shipped is None or said is None:
        return said or shipped
    named = {one: getattr(said, one) for one in said.model_fields_set}
    return EntitySet.model_validate(shipped.model_dump(exclude_defaults=True) | named)
