"""What a site sets in a mapping without copying it."""

import orjson
import pytest

from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.mistakes import MappingErrors
from mappings.outbound import outbound
from mappings.plain import plain_meaning
from mappings.setting import Context, Setting

INBOUND = """\
reads: application/json
parameters: {subject: record_id, consent: icf_date, prefix: ""}
include: _more.yaml
when: {"${subject}": {is: present}}
states:
  Enrollment:
    key: {path: "${subject}", then: ["prefix ${prefix}S-"]}
    consented_on: "${consent}"
"""
MORE = 'states: {Consent: {key: "${subject}", signed_at: "${consent}"}}\n'
OUTBOUND = """\
parameters: {subject: record_id}
when: {entity: Enrollment, state: {changes: true}}
writes: application/json
target: {hub: id}
resource: {"${subject}": subject_number, hub: id}
"""


@pytest.fixture
def library(tmp_path):
    for name, text in (
        ("inbound/edc.yaml", INBOUND),
        ("inbound/_more.yaml", MORE),
        ("outbound/edc.yaml", OUTBOUND),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return load_library(tmp_path, codes=load_codes())


def said(library, record, body, **parameters):
    reader = library.reader(["edc"], Context(parameters=parameters))
    meaning = reader(record(orjson.dumps(body), media="application/json"))
    found = plain_meaning(meaning)["statements"]
    return [(one["stated"], one["key"], one["fields"]) for one in found]


def test_a_mapping_says_what_its_defaults_say(library, record):
    found = said(library, record, {"record_id": "7", "icf_date": "2026-02-28"})

    assert found == [
        ("Enrollment", "S-7", {"consented_on": "2026-02-28"}),
        ("Consent", "7", {"signed_at": "2026-02-28"}),
    ]


def test_a_pipeline_sets_them_in_keys_conditions_and_included_files_too(library, record):
    body = {"study_id": "7", "consented": "2026-02-28", "record_id": "", "icf_date": "2020-01-01"}

    found = said(
        library, record, body, subject="study_id", consent="consented", prefix="UH-"
    )  # fmt: skip

    assert found == [
        ("Enrollment", "UH-S-7", {"consented_on": "2026-02-28"}),
        ("Consent", "7", {"signed_at": "2026-02-28"}),
    ]
    assert said(library, record, {"record_id": "8"})[0][:2] == ("Enrollment", "S-8")


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"subjects": "a"}, r"the parameter 'subjects'; expected 'subject'\?"),
        ({"subject": "a["}, "JMESPath"),
    ],
)
def test_what_makes_no_mapping_is_told(library, parameters, found):
    with pytest.raises(MappingErrors, match=found):
        library.reader(["edc"], Context(parameters=parameters))


def test_a_parameter_that_is_not_declared_is_told_with_its_place(tmp_path):
    (tmp_path / "inbound").mkdir()
    (tmp_path / "inbound/edc.yaml").write_text(INBOUND.replace("${consent}", "${consnt}"))
    (tmp_path / "inbound/_more.yaml").write_text(MORE)

    with pytest.raises(MappingErrors, match=r"edc.yaml:8:19: the parameter 'consnt'"):
        load_library(tmp_path, codes=load_codes())


class View:
    id = "0198-1"

    def get(self, field):
        return {"subject_number": "S-7", "state": "enrolled"}[field]


def test_an_outbound_mapping_has_them_too_and_knows_the_hubs_own_id(library):
    context = Context(parameters={"subject": "study_id"})
    mapping = outbound(library.outgoing("edc", context), Setting(codes=library.codes))

    delivery = mapping.render(View(), delivery_id="D1", now=None)

    assert orjson.loads(delivery.body) == {"study_id": "S-7", "hub": "0198-1"}
    assert delivery.target == {"hub": "0198-1"}
    with pytest.raises(MappingErrors, match="the parameter 'subjct'"):
        library.outgoing("edc", Context(parameters={"subjct": "x"}))
