"""What an IRB says late or not at all, and two CTMS that disagree about a study."""

from __future__ import annotations

import pytest

STUDY = {"protocol_no": "ONC-101", "nct": "NCT04990101"}


def submission(**more):
    return {"submissionId": "MOD00000456", "parent": "STUDY00000123", "type": "Modification",
            "state": "In Review", "modified": "2026-02-05T17:00:00Z"} | more  # fmt: skip


APPROVED = {"state": "Approved", "approvalDate": "2026-02-20", "effectiveDate": "2026-01-15",
            "modified": "2026-02-20T17:03:11Z"}  # fmt: skip


def test_06_an_irb_approves_an_amendment_retroactively(told):
    """The board decides on 20 February that the amendment holds from 15 January; the portal is
    read again only on 5 March. The hub says three things and mixes none: from when it is in force,
    since when it was so, and since when the hub has known."""
    told.day("2026-02-06")
    told.says("irb_submissions", submission(), at="2026-02-05T17:00:00+00:00")
    told.day("2026-03-05")
    told.says("irb_submissions", submission(**APPROVED), at="2026-02-20T17:03:11+00:00")

    one = told.one("IrbSubmission")
    assert (one["state"], one["approval_on"], one["effective_on"]) == (
        "approved", "2026-02-20", "2026-01-15")  # fmt: skip
    assert one["valid_from"].startswith("2026-02-20")
    assert one["recorded_at"].startswith("2026-03-05")
    on_the_day = told.then(one, "IrbSubmission", as_of="2026-02-21")
    as_known = told.then(one, "IrbSubmission", as_of="2026-02-21", known_at="2026-03-04")
    assert (on_the_day["state"], as_known["state"]) == ("approved", "in_review")
    assert told.then(one, "IrbSubmission", as_of="2026-02-19")["state"] == "in_review"


def listed(**more):
    return {"irb_submission_no": "STUDY00000123", "kind": "initial", "state": "approved",
            "fda_regulated": "no", "expires_on": ""} | more  # fmt: skip


def test_07_an_irb_approval_without_expiry_has_none_unless_the_fda_wants_one(told):
    """A minimal-risk study is approved without an end: there is none, and nobody is bothered. Then
    the office notes that the FDA regulates it: under 21 CFR 56.109(f) it must be reviewed once a
    year, so that the missing day is a finding, until the IRB says one, or the study is closed."""
    told.says("irb_list", listed())
    one = told.one("IrbSubmission")
    assert (one["expires_on"], one["state"], one["quality"]) == (None, "approved", "ok")
    assert told.findings() == []

    told.says("irb_list", listed(fda_regulated="yes"))
    [finding] = told.findings("missing-expiry")
    assert (finding["entity_id"], finding["field"]) == (one["id"], "expires_on")
    assert "56.109" in finding["expected"]
    assert told.one("IrbSubmission")["quality"] == "warning"

    told.says("irb_list", listed(fda_regulated="yes", expires_on="2027-02-19"))
    assert told.findings() == []
    assert told.one("IrbSubmission")["quality"] == "ok"


@pytest.mark.parametrize("more", [{"state": "closed"}, {"kind": "amendment"}])
def test_07_a_submission_that_needs_no_expiry_is_no_finding(told, more):
    """What is closed, or only changes what another submission approved, has no end of its own."""
    told.says("irb_list", listed(fda_regulated="yes", **more))

    assert told.findings() == []


def test_10_two_ctms_disagree_about_the_status_of_a_study(told):
    """OnCore says that ONC-101 is open, the CTMS of the CRO that it is suspended. One value stands,
    and a finding carries both, with who said what; the story of the field says why. OnCore follows
    on the next day, and the finding closes by itself."""
    oncore = {"protocolId": 4711, "protocolNo": "ONC-101", "title": "A trial of X",
              "nctNo": "NCT04990101"}  # fmt: skip
    told.says("protocols", oncore | {"protocolStatus": "OPEN TO ACCRUAL"})
    told.says("cro_studies", STUDY | {"status": "suspended"})

    study = told.one("Study")
    [finding] = told.findings("systems-disagree")
    story = told.story(study, "Study", "status")

    assert study["quality"] == "conflict"
    assert finding["field"] == "status"
    assert "cro: suspended" in finding["found"]
    assert "ctms: open_to_accrual" in finding["found"]
    said = {one["system"]: one["value"] for one in (story["said_by"], *story["others"])}
    assert said == {"cro": "suspended", "ctms": "open_to_accrual"}
    assert story["said_by"]["value"] == study["status"] == "suspended"

    told.day("2026-03-02")
    told.says("protocols", oncore | {"protocolStatus": "SUSPENDED"})
    assert told.findings() == []
    assert [one["id"] for one in told.findings(state="closed")] == [finding["id"]]
    assert told.one("Study")["quality"] == "ok"
