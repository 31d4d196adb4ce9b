"""A document that was superseded before anybody approved it."""

from __future__ import annotations


def document(major, minor, status, modified, **more):
    return {
        "id": 23, "document_number__v": "VV-00023", "name__v": "Consent form",
        "major_version_number__v": major, "minor_version_number__v": minor,
        "status__v": status, "version_modified_date__v": f"2026-03-{modified}T10:00:00Z",
    } | more  # fmt: skip


def test_17_a_document_is_superseded_before_it_was_approved(told):
    """Draft 0.1 of a consent form went to review; before anybody approved it, another took its
    place and became 1.0. The draft is superseded and was never in force on any day. That it left
    the review without approval is kept and shown to whoever looks after the file; the document
    itself, which only ever shows its latest version, is fine."""
    told.says("documents", document(0, 1, "In Review", "02"))
    told.day("2026-03-05")
    told.says("document_versions", document(0, 1, "Superseded", "05"))
    told.says("documents", document(1, 0, "Approved", "06", effective_date__v="2026-03-09"))

    draft = told.one("DocumentVersion", version_no="0.1")
    final = told.one("DocumentVersion", version_no="1.0")
    whole = told.one("Document")
    assert (draft["status"], draft["approved_on"], draft["effective_on"]) == (
        "superseded", None, None)  # fmt: skip
    assert told.values(draft, "DocumentVersion", "status") == ["in_review", "superseded"]
    assert draft["document"]["id"] == final["document"]["id"] == whole["id"]
    assert (whole["status"], whole["current_version"]) == ("approved", "1.0")
    assert final["effective_on"] == whole["effective_on"] == "2026-03-09"
    [finding] = told.findings()
    assert (finding["entity_id"], finding["rule"], finding["found"]) == (
        draft["id"], "illegal-step", "in_review → superseded")  # fmt: skip
