"""The hospital says who a patient is now, that they have died, or that two are one: what the CTMS
has of a subject follows. Of anybody else nothing is kept and nothing is told."""

DEMOGRAPHICS, WHO, MERGED = "flow-demographics", "flow-demographics-who", "flow-merged-subjects"
STRUCTURE = {"A04": "ADT_A01", "A08": "ADT_A01", "A40": "ADT_A39"}


def says(institute, event, mrn, *rest, name="Storey^Ada", died="", more=""):
    """The hospital speaks of a patient; the hub has settled it and is at rest."""
    pid = f"PID|1||{mrn}^^^CEDARMESA^MR||{name}||19710514|F{more}"
    if died:
        pid = f"{pid}{'|' * (29 - pid.count('|'))}{died}|Y"
    answer = institute.says(f"ADT^{event}^{STRUCTURE[event]}", pid, *(rest or ("PV1|1|N",)))
    assert answer == "AA"
    institute.settled()
    institute.rest()


def subject(institute, **more):
    """Somebody whom the CTMS has registered and the hub knows."""
    who = institute.enrols(**more)
    institute.pull("ctms-demographics", "ctms-subjects")
    institute.rest()
    return who


def row(institute, who):
    return institute.oncore(f"subjectDemographics/{who.mrn}")


def of(institute, who):
    return institute.record("participants", "mrn", who.mrn, include="phi")


def test_a_new_name_and_address_reach_the_ctms(institute):
    who = subject(institute)
    before = institute.counts("demographics to the CTMS")

    says(institute, "A08", who.mrn, name="Married^Ada^Q", more="|||9 Mesa Rd^^Red Bluff^AZ^85903")

    one = of(institute, who)
    assert (one["phi"]["family_name"], one["phi"]["city"]) == ("Married", "Red Bluff")
    assert institute.delivered(WHO, one["id"])
    there = row(institute, who)
    assert (there["lastName"], there["firstName"], there["middleName"]) == ("Married", "Ada", "Q")
    assert (there["addressLine1"], there["city"], there["zip"]) == (
        "9 Mesa Rd", "Red Bluff", "85903",
    )  # fmt: skip
    assert there["mrn"] == who.mrn
    after = institute.counts("demographics to the CTMS")
    assert after["confirmed"] > before["confirmed"]
    assert after["refused"] == before["refused"]


def test_a_name_that_changes_alone_and_again_is_told_each_time(institute):
    who = subject(institute)

    for name in ("First", "Second", "Third"):
        says(institute, "A08", who.mrn, name=f"{name}^Ada")
        assert row(institute, who)["lastName"] == name


def test_a_death_reaches_the_ctms_with_its_day(institute):
    who = subject(institute)

    says(institute, "A08", who.mrn, died="20260301")

    one = of(institute, who)
    assert (one["deceased"], one["phi"]["deceased_at"]) == (True, "2026-03-01")
    assert row(institute, who)["expiredDate"] == "2026-03-01"


def test_a_patient_in_no_study_reaches_nobody(institute):
    mrn, rows = institute.mrn(), len(institute.ctms.rows["subjectDemographics"])

    says(institute, "A08", mrn, name="Nobody^Noah", died="20260301")

    assert institute.find("participants", "mrn", mrn) == []
    assert len(institute.ctms.rows["subjectDemographics"]) == rows
    assert "Nobody" not in str(institute.ctms.rows["subjectDemographics"])


def test_a_subject_whom_the_ctms_does_not_know_waits_and_is_not_made_there(institute):
    mrn, rows = institute.mrn(), len(institute.ctms.rows["subjectDemographics"])
    institute.register({
        "resourceType": "Patient", "id": f"pat-{mrn}", "gender": "female", "birthDate": "1971",
        "name": [{"family": "Elsewhere", "given": ["Eva"]}],
        "identifier": [{
            "type": {"coding": [{"code": "MR"}]}, "value": mrn, "system": "urn:oid:1.2.3.4",
        }],
    })  # fmt: skip
    institute.register({
        "resourceType": "ResearchSubject", "id": f"rs-{mrn}", "status": "on-study",
        "study": {"reference": "ResearchStudy/end310"},
        "individual": {"reference": f"Patient/pat-{mrn}"},
    })  # fmt: skip

    institute.pull("register-enrollment", "register-patient")
    institute.rest()

    one = institute.record("participants", "mrn", mrn)
    [waits] = institute.deliveries(WHO, one["id"])
    assert (waits["state"], waits["detail"]) == ("waiting", "key is not known yet")
    assert len(institute.ctms.rows["subjectDemographics"]) == rows


def test_what_the_ctms_says_itself_is_not_said_back(institute):
    who = subject(institute)
    one = of(institute, who)
    said = [len(institute.deliveries(name, one["id"])) for name in (DEMOGRAPHICS, WHO)]

    who.person["phone"] = "555-0199"
    institute.pull("ctms-demographics")
    institute.rest()

    assert of(institute, who)["phi"]["phone"] is not None
    assert [len(institute.deliveries(name, one["id"])) for name in (DEMOGRAPHICS, WHO)] == said


def test_what_was_told_comes_back_as_an_echo_and_goes_no_further(institute):
    who = subject(institute)
    says(institute, "A08", who.mrn, name="Married^Ada")
    one = of(institute, who)
    said = len(institute.deliveries(WHO, one["id"]))

    institute.pull("ctms-demographics")
    institute.rest()

    assert of(institute, who)["phi"]["family_name"] == "Married"
    assert len(institute.deliveries(WHO, one["id"])) == said


def test_a_merge_moves_the_subjects_of_both_to_the_person_who_stays(institute):
    kept, gone = subject(institute), subject(institute, study="car204")
    for who in (kept, gone):
        says(institute, "A08", who.mrn)

    says(institute, "A40", kept.mrn, f"MRG|{gone.mrn}^^^CEDARMESA^MR")

    first, second = (institute.record("participants", "mrn", who.mrn) for who in (kept, gone))
    assert first["id"] == second["id"]
    for who in (kept, gone):
        enrollment = institute.record("enrollments", "registration_no", who.key)
        assert enrollment["participant"]["id"] == first["id"]
        there = institute.oncore(f"protocolSubjects/{who.key}")
        assert str(there["subjectDemographicsId"]) == kept.mrn
        assert there["status"] == "ON STUDY"
    assert row(institute, gone)["mrn"] == gone.mrn  # merging its own two is for people there
    institute.pull("ctms-demographics", "ctms-subjects")  # what it says then changes nothing
    institute.rest()
    assert institute.record("participants", "mrn", gone.mrn)["id"] == first["id"]


def test_a_merge_into_a_number_that_nobody_knew_gives_the_subject_that_number(institute):
    who, mrn = subject(institute), institute.mrn()
    says(institute, "A04", mrn)  # a patient in no study: not kept

    says(institute, "A40", mrn, f"MRG|{who.mrn}^^^CEDARMESA^MR")

    assert institute.record("participants", "mrn", mrn)["id"] == of(institute, who)["id"]
    assert row(institute, who)["mrn"] == mrn


def test_a_merge_of_two_patients_in_no_study_reaches_nobody(institute):
    kept, gone = institute.mrn(), institute.mrn()
    before = str(institute.ctms.rows["subjectDemographics"])

    says(institute, "A40", kept, f"MRG|{gone}^^^CEDARMESA^MR")

    assert institute.find("participants", "mrn", kept) == []
    assert institute.find("participants", "mrn", gone) == []
    assert str(institute.ctms.rows["subjectDemographics"]) == before
