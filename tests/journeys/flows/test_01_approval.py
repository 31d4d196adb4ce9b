"""An IRB approves: the CTMS gets the review, the EHR's research study the approval and the approved
documents, each by the study's own numbers there. Opening accrual remains for people to do."""

STUDIES = ("ctms-protocols", "ctms-irb", "irb-studies")
REVIEW, APPROVAL, DOCUMENT = "flow-irb-review", "flow-approval-study", "flow-approval-document"


def known(institute, **more):
    """A study of which the CTMS, the IRB and the register know."""
    study = institute.opens(**more)
    institute.pull(*STUDIES)
    one = institute.record("studies", "irb_no", study.irb)
    institute.until(lambda: institute.delivered("flow-study", one["id"]), "the study's way")
    return study, one["id"]


def submits(institute, study, number="", **more):
    """The IRB has a submission on a study and says so."""
    said = {"id": study.irb, "parent": study.irb, "type": "Initial Study", "state": "Approved",
            "determination": "Approved", "approvalDate": "2026-02-27",
            "effectiveDate": "2026-02-27", "expirationDate": "2027-02-26",
            "irbOfRecord": "CRO", "board": "CRO"}  # fmt: skip
    institute.irb.submit(number or study.irb, **said | more)
    institute.pull("irb-submissions")


def consent_form(version):
    return {"name": "Informed consent", "category": "Consent", "version": version,
            "sha256": "0" * 64, "approved": True}  # fmt: skip


def reviews(institute, study):
    return institute.oncore(f"protocolReviews?protocolId={study.key}")


def in_register(institute, study):
    """The study as the register has it, found as anybody would find it."""
    query = f"identifier=https://cedarmesa.example/protocols|{study.no}"
    [entry] = institute.fhir(f"ResearchStudy?{query}")["entry"]
    return entry["resource"]


def artifacts(institute, study):
    return {one["label"]: one for one in in_register(institute, study).get("relatedArtifact", [])}


def test_an_approval_becomes_a_review_in_the_ctms_and_an_artifact_of_the_ehrs_study(institute):
    study, one = known(institute)
    before = institute.counts("approval to the CTMS")

    submits(institute, study, documents=[consent_form("v1")])

    [submission] = institute.records("irb-submissions", study=one)
    assert (submission["state"], submission["expires_on"]) == ("approved", "2027-02-26")
    for pipeline in (REVIEW, APPROVAL):
        institute.until(lambda name=pipeline: institute.delivered(name, submission["id"]), pipeline)
    [version] = institute.records("document-versions", study=one)
    institute.until(lambda: institute.delivered(DOCUMENT, version["id"]), DOCUMENT)
    [review] = reviews(institute, study)
    assert review["irbReviewNo"] == study.irb
    assert (review["reviewType"], review["action"]) == ("Initial", "Approved")
    assert (review["approvalDate"], review["expirationDate"]) == ("2026-02-27", "2027-02-26")
    assert artifacts(institute, study) == {
        f"IRB {study.irb}": {
            "type": "documentation", "label": f"IRB {study.irb}",
            "display": "approved 2026-02-27", "citation": "until 2027-02-26",
        },
        "Informed consent v1": {
            "type": "documentation", "label": "Informed consent v1",
            "display": f"IRB {study.irb} approved 2026-02-27",
        },
    }  # fmt: skip
    institute.rest()
    after = institute.counts("approval to the CTMS")
    assert after["confirmed"] - before["confirmed"] == after["triggered"] - before["triggered"] == 3


def test_approval_alone_opens_no_accrual(institute):
    study, one = known(institute, status="PENDING IRB")

    submits(institute, study)
    institute.pull(*STUDIES)
    institute.rest()

    assert institute.get(f"/api/v1/studies/{one}")["status"] == "pending_irb"
    assert institute.oncore(f"protocols/{study.key}")["protocolStatus"] == "PENDING IRB"
    assert in_register(institute, study)["status"] == "in-review"
    assert f"IRB {study.irb}" in artifacts(institute, study)


def test_people_open_accrual_and_then_the_ehr_hears_of_it(institute):
    study, _ = known(institute, status="PENDING IRB")
    submits(institute, study)

    seen = []
    for status in ("IRB INITIAL APPROVAL", "OPEN TO ACCRUAL"):
        study.row["protocolStatus"] = status
        institute.pull("ctms-protocols")
        institute.rest()
        seen.append(in_register(institute, study)["status"])

    assert seen == ["approved", "active"]
    assert f"IRB {study.irb}" in artifacts(institute, study)  # what others said of it stays


def test_what_is_under_review_is_said_to_nobody(institute):
    study, one = known(institute)

    submits(institute, study, state="In Review", determination=None, approvalDate=None,
            effectiveDate=None, expirationDate=None)  # fmt: skip
    institute.rest()

    [submission] = institute.records("irb-submissions", study=one)
    assert submission["state"] == "in_review"
    assert institute.deliveries(REVIEW, submission["id"]) == []
    assert institute.deliveries(APPROVAL, submission["id"]) == []
    assert reviews(institute, study) == []
    assert artifacts(institute, study) == {}


def test_an_approval_of_a_study_that_the_ctms_does_not_know_waits(institute):
    study, _ = known(institute)
    stray = f"STUDY{90_000_000 + institute.number()}"
    institute.irb.studies[stray] = {"id": stray, "name": "Nobody's", "title": "Nobody's"}
    institute.pull("irb-studies")
    institute.irb.submit(stray, id=stray, parent=stray, type="Initial Study", state="Approved",
                         determination="Approved", approvalDate="2026-02-27")  # fmt: skip
    institute.pull("irb-submissions")
    institute.rest()

    [submission] = institute.find("irb-submissions", "irb_submission_no", stray)
    for pipeline in (REVIEW, APPROVAL):
        [waits] = institute.deliveries(pipeline, submission["id"])
        assert waits["state"] == "waiting"
        assert "study.key" in waits["detail"]
    assert reviews(institute, study) == []
    assert stray not in str(institute.ctms.rows["protocolReviews"])


def test_a_second_approval_leaves_the_first_and_the_form_before_it_readable(institute):
    study, _ = known(institute)
    submits(institute, study, documents=[consent_form("v1")])
    number = f"MOD{study.irb[5:]}"

    submits(institute, study, number, type="Modification", approvalDate="2026-02-28",
            documents=[consent_form("v2")])  # fmt: skip
    institute.rest()

    assert {(row["irbReviewNo"], row["reviewType"]) for row in reviews(institute, study)} == {
        (study.irb, "Initial"), (number, "Change Review"),
    }  # fmt: skip
    assert set(artifacts(institute, study)) == {
        f"IRB {study.irb}", f"IRB {number}", "Informed consent v1", "Informed consent v2",
    }  # fmt: skip


def test_a_suspension_reaches_both_and_closes_nothing_by_itself(institute):
    study, _ = known(institute, status="OPEN TO ACCRUAL")
    submits(institute, study)

    submits(institute, study, state="Suspended", determination="Suspended")
    institute.rest()

    [review] = reviews(institute, study)
    assert review["action"] == "Suspended"
    assert artifacts(institute, study)[f"IRB {study.irb}"]["display"] == "suspended 2026-02-27"
    assert in_register(institute, study)["status"] == "active"
