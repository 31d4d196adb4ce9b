"""A study told as its people would: who says what, what is believed, what is wrong."""

from __future__ import annotations

from datetime import date

import pytest

from crohub import story
from hub import schema, study_story
from hub.context import Context
from hub.database import session
from hub.policy import Policy, System
from hub.principal import READ, SYSTEM, Principal
from hub.provenance import Teller
from hub.reader import Reader
from hub.said import Said
from hub.seal import load
from hub.settle import settle
from hub.statement import Identifier, Meaning, Ref, Stated

AT = 1_772_000_000_000_000  # 2026-02-25T06:13:20Z
NUMBER = Identifier("local_protocol_no", "ONC-101", "CM")
POLICY = Policy(systems={n: System(n, n.upper()) for n in ("ctms", "edc", "irb")})


def study(**fields):
    return Stated(entity="Study", key="p1", identifiers=(NUMBER,), fields=fields)


def subject(number, state, **fields):
    said = {"study": Ref("Study", "p1"), "subject_number": number, "state": state}
    ids = (Identifier("subject_number", number, "ONC-101"),)
    return Stated(entity="Enrollment", key=number, identifiers=ids, fields=said | fields)


@pytest.fixture
def told(tmp_path):
    """Tells the story of a study of which the CTMS has two subjects and the EDC three."""
    address = f"sqlite:///{tmp_path / 'hub.db'}"
    schema.upgrade(address, [schema.HUB])
    opened = session(address)
    keyring = load(tmp_path / "keys.json")
    context = Context(
        session=opened, keyring=keyring, policy=POLICY, clock=lambda: AT, chain="test"
    )
    board = Stated(entity="Organization", key="WCG", fields={"name": "WCG IRB"})
    approval = {"study": Ref("Study", "p1"), "native_no": "20260001", "kind": "initial",
                "state": "approved", "board": Ref("Organization", "WCG"),
                "irb_of_record": Ref("Organization", "WCG"), "approval_on": "2026-01-10",
                "expires_on": "2027-01-09"}  # fmt: skip
    for seq, (system, *statements) in enumerate(
        [
            ("ctms", study(title="A trial of X", local_protocol_no="ONC-101",
                           status="open_to_accrual", status_native="OPEN TO ACCRUAL"),
             subject("S-1", "enrolled", enrolled_on="2026-02-01"), subject("S-2", "screening")),
            ("edc", study(title="ONC-101 in the EDC"), subject("S-1", "on_treatment"),
             subject("S-2", "enrolled", enrolled_on="2026-02-09"), subject("S-3", "screen_failed")),
            ("irb", study(), board, Stated(entity="IrbSubmission", key="I1", fields=approval)),
        ], start=1,
    ):  # fmt: skip
        said = Said(seq=seq, system=system, at=AT + seq, meaning=Meaning(statements=statements))
        with opened.transaction():
            settle(context, [said])
    with opened.transaction():
        opened.run(
            "insert into finding (id, digest, rule, entity, field, place, found, expected, seq, "
            "opened_at, study_id, since, evidence, scope) select 'f1', ?, "
            "'check.enrolment.status-behind', 'Enrollment', '', '', 'ONC-101 S-2 is behind.', "
            "'the data manager, in edc', 0, ?, id, '2026-02-20', "
            """'[{"system": "ctms", "says": "screening", "of": "S-2", "at": 0}]', id from study""",
            (b"x", AT),
        )
    reader = Reader(opened, keyring, lambda *_: None, POLICY)

    def tell(principal=SYSTEM):
        [(one,)] = opened.all("select id from study")
        teller = Teller(reader, POLICY, lambda _: {})
        return study_story.tell(teller, principal, one, date(2026, 3, 1))

    yield tell
    opened.close()


def test_each_system_says_how_far_the_study_is_and_whom_it_has(told):
    says = {one["system"]: one for one in told()["says"]}

    assert says["ctms"]["status_native"] == "OPEN TO ACCRUAL"
    assert says["ctms"]["subjects"] == {"enrolled": 1, "screening": 1}
    assert says["edc"]["subjects"] == {"enrolled": 1, "on_treatment": 1, "screen_failed": 1}
    assert [says[name]["enrolled"] for name in ("ctms", "edc", "irb")] == [1, 2, 0]


def test_it_reads_as_people_would_tell_it(told):
    lines = list(story.lines(told()))

    assert lines[:2] == ["ONC-101  A trial of X", "OPEN TO ACCRUAL"]
    assert "  ctms: OPEN TO ACCRUAL; 2 subjects, 1 of them enrolled: 1 enrolled, 1 screening; " \
           "last word 2026-02-25" in lines  # fmt: skip
    assert "  title: A trial of X" in lines
    assert "      edc says ONC-101 in the EDC: EDC counts behind CTMS" in lines
    assert "  20260001: approved since 2026-01-10, until 2027-01-09, by WCG IRB, the IRB of " \
           "record" in lines  # fmt: skip
    assert lines[-3:-1] == ["  ONC-101 S-2 is behind.", "      ctms: screening (S-2)"]
    assert lines[-1].endswith("; the data manager, in edc should act")


def test_nothing_wrong_is_said_to_be_nothing(told):
    whole = told()
    whole["wrong"] = []

    assert list(story.lines(whole))[-1] == "  nothing that is known"


def test_whoever_may_not_see_the_study_is_told_nothing(told):
    confined = Principal(name="c", scopes=frozenset({READ}), studies=frozenset({"other"}))

    assert told(confined) is None
