"""A FHIR client that others wrote (fhirclient, strict about R4) reads the facade over a socket."""

from __future__ import annotations

import pytest
from fhirclient import client, server
from fhirclient.models import (
    appointment,
    consent,
    documentreference,
    invoice,
    organization,
    patient,
    practitioner,
    practitionerrole,
    provenance,
    researchstudy,
    researchsubject,
)

from hub.principal import PHI, READ


@pytest.fixture(scope="module")
def smart(served, address):
    _, key = served.client(READ, PHI)
    made = client.FHIRClient(settings={"app_id": "crohub", "api_base": f"{address}/fhir/R4"})
    made.server.session.headers["Authorization"] = f"Bearer {key}"
    yield made
    made.server.session.close()


def test_it_reads_all_subjects_page_by_page(smart):
    search = researchsubject.ResearchSubject.where({"_count": "2", "_sort": "date"})

    bundles = list(search.perform_iter(smart.server))

    numbers = [e.resource.identifier[0].value for b in bundles for e in b.entry]
    assert [len(bundle.entry) for bundle in bundles] == [2, 2, 2, 1]
    assert numbers == [f"S-000{n}" for n in range(1, 8)]


def test_it_follows_includes_and_references(smart):
    search = researchsubject.ResearchSubject.where({"status": "on-study-intervention"})
    search = search.include("study")

    subject, study = search.perform_resources_iter(smart.server)

    assert (subject.status, study.title) == ("on-study-intervention", "Drug A in a disease")
    who = subject.individual.resolved(patient.Patient)
    read = patient.Patient.read(subject.individual.reference.split("/")[1], smart.server)
    assert who.id == read.id
    assert (read.name[0].family, read.birthDate.isostring) == ("Example1", "1985-02-14")


@pytest.mark.parametrize(
    "kind",
    [
        appointment.Appointment, consent.Consent, documentreference.DocumentReference,
        invoice.Invoice, organization.Organization, practitioner.Practitioner,
        practitionerrole.PractitionerRole, researchstudy.ResearchStudy,
    ],
)  # fmt: skip
def test_it_takes_every_resource(smart, kind):
    # a study whose state nobody said has none, as FHIR allows: this client does not
    asked = {"status": "active,in-review"} if kind is researchstudy.ResearchStudy else {}

    found = list(kind.where(asked).perform_resources_iter(smart.server))

    assert found
    assert all(isinstance(one, kind) for one in found)


def test_it_reads_the_statement_and_who_said_it(smart):
    smart.server.get_capability(force=True)
    [study] = researchstudy.ResearchStudy.where(
        {"identifier": "NCT99000101"}
    ).perform_resources_iter(smart.server)

    told = list(
        provenance.Provenance.where({"target": f"ResearchStudy/{study.id}"}).perform_resources_iter(
            smart.server
        )
    )

    assert smart.server.capabilityStatement.fhirVersion == "4.0.1"
    assert told[0].target[0].reference == f"ResearchStudy/{study.id}"


def test_what_there_is_not_it_takes_for_missing(smart):
    with pytest.raises(server.FHIRNotFoundException):
        researchstudy.ResearchStudy.read("00000000-0000-7000-8000-000000000000", smart.server)
