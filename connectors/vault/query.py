"""The queries of a vault's streams, as settings, with what Clinical Operations vaults have."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from connectors.pagers import NextLink, Offset
from connectors.rest_stream import Since, Stream
from connectors.vault.answers import FAILURE

DOCUMENTS = "documents"
_Field = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")]


class Query(BaseModel):
    """One stream: what is selected from `object`, whose API name is the vault's own.

    For a stream that is shipped, what is left out is as shipped; of the shipped fields those
    count that the vault has. `also` adds fields to them, `fields` takes their place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    object: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9_]*)?$",
        description="The API name of what is read; empty: as shipped.",
    )
    fields: tuple[_Field, ...] = Field(
        default=(), description="What is selected, in the place of the shipped fields."
    )
    also: tuple[_Field, ...] = Field(
        default=(), description="Fields that are selected beside the shipped ones."
    )
    where: str = Field(
        default="", description="A condition in VQL, joined by AND to the one on the time."
    )
    modified: _Field = Field(
        default="modified_date__v", description="The field with the time of the last change."
    )
    versions: bool = Field(
        default=False, description="Reads every version of a document, not the latest alone."
    )
    deletions: bool = Field(default=True, description="Also asks what was deleted.")

    def vql(self, known: Container[str], since: str = "") -> str:
        """The query for the fields that are `known`; `since`: only what changed from then on."""
        wanted = dict.fromkeys(("id", *self.fields, *self.also, self.modified))
        select = ", ".join(name for name in wanted if name.partition(".")[0] in known)
        conditions = [f"({self.where})"] if self.where else []
        conditions += [f"{self.modified} >= '{since}'"] if since else []
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        source = f"ALLVERSIONS {self.object}" if self.versions else self.object
        return f"SELECT {select} FROM {source}{where} ORDER BY {self.modified} ASC"

    @property
    def metadata(self) -> str:
        """Where the vault describes the object."""
        if self.object == DOCUMENTS:
            return "/metadata/objects/documents/properties"
        return f"/metadata/vobjects/{self.object}"


SHIPPED = {
    "study": Query(
        object="study__v",
        fields=("name__v", "study_name__v", "external_id__v", "study_phase__v", "study_type__v",
                "study_status__v", "state__v", "status__v", "sponsor_organization__v"),
    ),
    "study_country": Query(
        object="study_country__v",
        fields=("name__v", "study__v", "country__v", "country__vr.name__v", "status__v"),
    ),
    "site": Query(
        object="site__v",
        fields=("name__v", "site_name__v", "external_id__v", "study__v", "study__vr.name__v",
                "study_country__v",
                "country__v", "country__vr.name__v", "site_status__v", "state__v", "status__v",
                "organization__clin", "location__v", "principal_investigator__v",
                "site_selected_date__v"),
    ),
    "subject": Query(
        object="subject__clin",
        fields=("name__v", "external_id__v", "study__clin", "study__clinr.name__v", "site__clin",
                "study__v", "study__vr.name__v", "site__v",
                "subject_status__clin", "subject_status__v", "status__v"),
    ),
    "milestone": Query(
        object="milestone__v",
        fields=("name__v", "external_id__v", "study__v", "study_country__v", "site__v",
                "country__vr.name__v", "milestone_type__v", "baseline_finish_date__v",
                "planned_finish_date__v", "actual_finish_date__v", "complete__v", "state__v",
                "status__v"),
    ),
    "monitoring_event": Query(
        object="monitoring_event__ctms",
        fields=("name__v", "study__ctms", "site__ctms", "study__v", "site__v", "object_type__v",
                "object_type__vr.api_name__v", "state__v", "visit_method__v",
                "planned_start_date__v", "planned_end_date__v", "actual_start_date__v",
                "actual_end_date__v", "status__v"),
    ),
    "finding": Query(
        object="monitoring_follow_up_item__v",
        fields=("name__v", "study__v", "site__v", "monitoring_event__v", "category__v",
                "severity__v", "description__v", "identified_date__v", "due_date__v",
                "closed_date__v", "state__v"),
    ),
    "expected_document": Query(
        object="edl_item__v",
        fields=("name__v", "external_id__v", "study__v", "study_country__v", "site__v",
                "country__vr.name__v", "milestone__v", "artifact__v", "type__v", "subtype__v",
                "classification__v", "requiredness__v", "expected_date__v", "status__v"),
    ),
    "metrics": Query(
        object="metrics__ctms",
        fields=("name__v", "metric_type__v", "planned__v", "actual__v", "study__v",
                "study_country__v", "site__v"),
    ),
    "documents": Query(
        object=DOCUMENTS,
        fields=("document_number__v", "external_id__v", "name__v", "title__v", "type__v",
                "subtype__v", "classification__v", "artifact__v", "tmf_reference_model__v",
                "status__v", "major_version_number__v", "minor_version_number__v", "study__v",
                "site__v", "study_country__v", "language__v", "unblinded_content__v",
                "document_date__v", "effective_date__v", "expiration_date__v", "filename__v",
                "format__v", "size__v", "md5checksum__v", "milestone__v",
                "version_creation_date__v"),
        modified="version_modified_date__v",
    ),
}  # fmt: skip
SHIPPED["document_versions"] = SHIPPED["documents"].model_copy(update={"versions": True})


def completed(name: str, given: Mapping[str, Query]) -> Query | None:
    """The query of a stream: what settings say of it laid over what is shipped."""
    shipped, said = SHIPPED.get(name), given.get(name)
    if shipped is None or said is None:
        return said or shipped
    return shipped.model_copy(update={one: getattr(said, one) for one in said.model_fields_set})


def stream(query: Query, known: Container[str], *, overlap: int) -> Stream:
    """A query as a stream of a REST system."""
    since = query.vql(known, since="{since}")
    return Stream(
        path="/query",
        method="POST",
        params={"q": query.vql(known)},
        records="data",
        id="id",
        modified=query.modified,
        ordered=True,
        since=Since(param="q", value=since, grain="fine_instant", overlap=overlap),
        pager=NextLink(kind="next_link", link="responseDetails.next_page"),
        failure=FAILURE,
    )


def deletions(query: Query, *, overlap: int) -> Stream:
    """What was deleted of a query's object; a vault remembers it for thirty days."""
    kind = DOCUMENTS if query.object == DOCUMENTS else f"vobjects/{query.object}"
    return Stream(
        path=f"/objects/deletions/{kind}",
        records="data",
        id="id",
        modified="date_deleted || deleted_date",
        since=Since(param="start_date", overlap=overlap),
        pager=Offset(kind="offset", limit=1000, total="responseDetails.total"),
        failure=FAILURE,
    )
