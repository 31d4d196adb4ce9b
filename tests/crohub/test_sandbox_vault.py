"""The made-up vault and the library agree: what is told lands there, and is read back as it was."""

import json

import pytest

from connectors.record import Delivery
from connectors.vault import Vault
from connectors.vault.query import SHIPPED
from crohub.sandbox.vault import VaultState, vault_server
from mappings.code_tables import load_codes
from mappings.collection import load_library

LIBRARY = load_library(codes=load_codes(), packaged=True)


@pytest.fixture
def state():
    made = VaultState()
    for query in SHIPPED.values():
        if query.object != "documents":
            made.objects.setdefault(query.object, {})
    return made


@pytest.fixture
def vault(state, monkeypatch):
    monkeypatch.setenv("VAULT_PASSWORD", state.password)
    with vault_server(state) as server:
        yield Vault(
            base_url=server.url,
            vault_id=str(state.vault_id),
            user=state.user,
            password="${env:VAULT_PASSWORD}",
        )


def read(vault, stream, mapping):
    reader = LIBRARY.reader([f"vault/{mapping}"])
    meanings = [reader(record) for record in vault.pull(stream, "")]
    assert [meaning.complaints for meaning in meanings] == [()] * len(meanings)
    return [one for meaning in meanings for one in meaning.statements]


def tell(vault, target, **fields):
    (receipt,) = vault.push(
        [
            Delivery(
                id=f"{target}-1",
                stream=target,
                body=json.dumps(fields).encode(),
                media="application/json",
                target={"object": target},
            )
        ]
    )
    assert receipt.outcome == "delivered", receipt
    return receipt.native_id


def test_what_is_told_is_read_back(vault):
    study = tell(
        vault, "study", external_id__v="h1", name__v="ONC-101", study_name__v="A trial",
        study_phase__v="phase_iii__v", study_status__v="active__v",
    )  # fmt: skip
    site = tell(
        vault, "site", external_id__v="h2", name__v="101", study__v=study,
        site_status__v="enrolling__v",
    )  # fmt: skip
    tell(
        vault, "milestone", external_id__v="h3", name__v="First subject in", study__v=study,
        site__v=site, milestone_type__v="first_subject_in__v",
        actual_finish_date__v="2026-01-20",
    )  # fmt: skip
    placeholder = tell(
        vault, "documents", external_id__v="h4", name__v="1572 of site 101",
        type__v="Site Management", subtype__v="Site Set-up", classification__v="Form FDA 1572",
        lifecycle__v="Base", study__v=study, site__v=site,
    )  # fmt: skip

    (the_study,) = read(vault, "study", "study")
    (the_site,) = read(vault, "site", "study-site")
    (milestone,) = read(vault, "milestone", "milestone")
    (document,) = read(vault, "documents", "document")

    assert (the_study.key, the_study.fields["status"]) == (study, "open_to_accrual")
    assert the_site.fields["study"].key == study
    assert the_site.identifiers[0].assigner == "ONC-101"
    assert (milestone.fields["study_site"].key, milestone.fields["scope"]) == (site, "site")
    assert milestone.fields["kind"] == "first_subject_in"
    assert document.key == placeholder
    assert document.fields["tmf_artifact"] == "05.02.08"
    assert document.fields["study_site"].key == site


def test_a_subject_is_known_by_its_number_on_its_study(vault, state):
    study = state.put("study__v", name__v="ONC-101")
    state.put("subject__clin", name__v="101-0007", study__clin=study,
              subject_status__clin=["in_treatment__v"])  # fmt: skip

    (subject,) = read(vault, "subject", "enrollment")

    (number,) = subject.identifiers
    assert (number.value, number.assigner) == ("101-0007", "ONC-101")
    assert subject.fields["state"] == "on_treatment"
