"""What HL7 v2 messages become in the store: from bytes through mapping and settling to records."""

import itertools

import pytest

from hub import seal
from hub.context import Context
from hub.policy import Policy, System
from hub.said import Said
from hub.settle import settle

BASE = 1_772_000_000_000_000
A40 = (
    "PID|1||12345^^^BCBS^MR||TEST^TEST^A||20180205|F",
    "MRG|56789^^^BCBS^MR",
)
VISIT = "PV1|1|O|||||||||||||||||V-20^^^NORTH^VN"


class Hospital:
    """One hospital's feed into an empty store; `held` counts messages that were not let in."""

    def __init__(self, context: Context, reader, record) -> None:
        self.context, self.reader, self.record = context, reader, record
        self.numbers = itertools.count(1)
        self.held = 0

    def sends(self, event: str, *segments: str, admission="all") -> None:
        head = f"MSH|^~\\&|REG|NORTH|CROHUB|UH|20260301120000||{event}|1|P|2.5.1"
        self.sends_bytes("\r".join((head, *segments)).encode(), admission=admission)

    def sends_bytes(self, body: bytes, admission="all") -> None:
        seq = next(self.numbers)
        meaning = self.reader(self.record(body, "hl7v2"))
        said = Said(seq=seq, system="ehr", at=BASE + seq, meaning=meaning, admission=admission)
        with self.context.session.transaction():
            self.held += bool(settle(self.context, [said]).held)

    def living(self, columns: str, entity: str = "participant"):
        return self.context.session.all(
            f"select {columns} from {entity} where superseded_by is null order by id"
        )


@pytest.fixture
def hospital(store, library, record, tmp_path):
    ticks = itertools.count(BASE, 1_000_000)
    context = Context(
        session=store,
        keyring=seal.load(tmp_path / "keys.json"),
        policy=Policy(systems={"ehr": System("ehr", "EHR")}),
        clock=lambda: next(ticks),
        chain="test",
        keeps=True,
    )
    reader = library.reader([name for name in library.inbound if name.startswith("hl7v2/")])
    return Hospital(context, reader, record)


def test_the_retired_number_leads_to_the_survivor_and_so_does_later_traffic(hospital):
    hospital.sends("ADT^A04", "PID|1||12345^^^BCBS^MR||TEST^TEST||20180205|F")
    hospital.sends("ADT^A04", "PID|1||56789^^^BCBS^MR||TEST^TEST||20180205|M")
    hospital.sends("ADT^A40", *A40)
    hospital.sends("ADT^A08", "PID|1||56789^^^BCBS^MR||TEST^TEST" + "|" * 25 + "Y")

    [(sex, deceased)] = hospital.living("sex, deceased")
    assert (sex, bool(deceased)) == ("female", True)


def test_a_merge_that_comes_before_its_patients_still_makes_them_one(hospital):
    hospital.sends("ADT^A40", *A40)
    hospital.sends("ADT^A04", "PID|1||56789^^^BCBS^MR||TEST^TEST||20180205|F")
    hospital.sends("ADT^A04", "PID|1||12345^^^BCBS^MR||TEST^TEST||20180205|F")

    assert len(hospital.living("id")) == 1


def test_a_merge_by_another_number_of_the_patient_finds_the_record(hospital):
    hospital.sends("ADT^A04", "PID|1||1^^^NORTH^MR~77^^^LAB^PI||A^B||19900101|F")
    hospital.sends("ADT^A04", "PID|1||2^^^NORTH^MR~78^^^LAB^PI||A^B||19900101|F")
    hospital.sends("ADT^A40", "PID|1||1^^^NORTH^MR~77^^^LAB^PI||A^B", "MRG|78^^^LAB^PI")

    assert len(hospital.living("id")) == 1


def test_two_people_with_one_number_of_two_authorities_stay_two(hospital):
    hospital.sends("ADT^A04", "PID|1||12345^^^NORTH^MR||A^B||19900101|F")
    hospital.sends("ADT^A04", "PID|1||12345^^^SOUTH^MR||C^D||19800101|M")

    assert [sex for (sex,) in hospital.living("sex")] == ["female", "male"]


def test_unnamed_patients_do_not_become_one_person(hospital):
    hospital.sends("ADT^A04", "PID|1||UNKNOWN^^^NORTH^MR~1^^^ER||DOE^JOHN|||M")
    hospital.sends("ADT^A04", "PID|1||UNKNOWN^^^NORTH^MR~2^^^ER||DOE^JANE|||F")

    assert [sex for (sex,) in hospital.living("sex")] == ["male", "female"]


def test_a_visit_follows_its_patient_through_a_merge(hospital):
    hospital.sends("SIU^S12", "SCH||900" + "|" * 23 + "Booked", "PID|1||56789^^^BCBS^MR||A^B")
    hospital.sends("ADT^A40", *A40)
    hospital.sends("SIU^S14", "SCH||900" + "|" * 23 + "Complete", "PID|1||12345^^^BCBS^MR||A^B")

    [(survivor,)] = hospital.living("id")
    [(status, participant)] = hospital.living("status, participant_id", "participant_visit")
    assert (status, participant) == ("completed", survivor)


def test_a_cancelled_admission_takes_nothing_from_the_patient(hospital):
    hospital.sends("ADT^A01", "PID|1||1^^^NORTH^MR||A^B||19900101|F", VISIT)
    hospital.sends("ADT^A11", "PID|1||1^^^NORTH^MR||A^B||19900101|F", VISIT)
    hospital.sends("ADT^A13", "PID|1||1^^^NORTH^MR||A^B||19900101|F", VISIT)

    [(sex, withdrawn)] = hospital.living("sex, withdrawn")
    assert (sex, bool(withdrawn)) == ("female", False)
    assert hospital.living("id", "participant_visit") == []


def test_a_removed_address_is_removed_and_an_absent_one_stays(hospital):
    hospital.sends("ADT^A04", "PID|1||1^^^NORTH^MR||A^B||19900101|F||2106-3")
    hospital.sends("ADT^A08", "PID|1||1^^^NORTH^MR||A^B||||")
    [(race_after_silence,)] = hospital.living("race")
    hospital.sends("ADT^A08", 'PID|1||1^^^NORTH^MR||A^B|||||""')

    [(race_after_removal,)] = hospital.living("race")
    assert "white" in race_after_silence
    assert race_after_removal is None


def test_a_merge_is_let_in_when_either_record_is_of_a_known_person(hospital):
    hospital.sends("ADT^A04", "PID|1||56789^^^BCBS^MR||A^B||19900101|F")  # in a study, say
    hospital.sends("ADT^A40", *A40, admission="known_only")
    hospital.sends("ADT^A08", A40[0], admission="known_only")

    assert hospital.held == 0
    assert len(hospital.living("id")) == 1


def test_a_merge_of_strangers_is_held(hospital):
    hospital.sends("ADT^A40", *A40, admission="known_only")

    assert hospital.held == 1
    assert hospital.living("id") == []


def test_an_encounter_that_names_its_study_is_let_in_and_care_is_not(hospital):
    patient = "PID|1||1^^^NORTH^MR||A^B||19900101|F"
    hospital.sends("ADT^A04", patient, VISIT, admission="known_only")
    held_before = hospital.held
    hospital.sends("ADT^A04", patient, VISIT, "CTI|ONC-101^UH", admission="known_only")

    assert (held_before, hospital.held) == (1, 1)
    assert len(hospital.living("id", "participant_visit")) == 1
    assert len(hospital.living("id", "study")) == 1


def test_the_real_merges_leave_two_survivors(hospital, data):
    merges = data / "hl7v2/microsoft-fhir-converter/input"
    hospital.sends_bytes((merges / "ADT-A40-01.hl7").read_bytes())
    hospital.sends_bytes((merges / "ADT-A40-02.hl7").read_bytes())
    hospital.sends("ADT^A08", "PID|1||56789^^^BCBS^MR||Test^Test||20180205|F")
    hospital.sends("ADT^A08", "PID|1||569^^^BCBS^MR||Test^Test||20180205|F")

    assert [sex for (sex,) in hospital.living("sex")] == ["female", "female"]
