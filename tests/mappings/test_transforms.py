"""Each transform: what it makes of good values, and that it refuses bad ones."""

from zoneinfo import ZoneInfo

import pytest

from mappings import transforms
from mappings.setting import Context, Setting
from mappings.times import Noted
from mappings.values import UNKNOWN, BadPath, BadValue


def step(said, codes=None, **context):
    name, _, argument = said.partition(" ")
    setting = Setting(codes=codes or Setting().codes, context=Context(**context))
    return transforms.find(name, argument).make(argument, setting)


@pytest.mark.parametrize(
    ("said", "value", "made"),
    [
        ("trim", "  a ", "a"), ("trim", "  ", None), ("upper", "aß", "ASS"), ("lower", "A", "a"),
        ("upper", 7, "7"), ("text", " a\r\n b\t", "a b"), ("digits", "(217) 5-5", "21755"),
        ("last_segment", "Patient/1", "1"), ("last_segment", "https://x/Patient/1/_history/2", "1"),
        ("last_segment", "urn:uuid:9", "urn:uuid:9"), ("prefix Patient/", 7, "Patient/7"),
        ("without mailto:", "mailto:a", "a"), ("start 5", "05.02.08", "05.02"),
        ("split ;", "a; b;;c", ["a", "b", "c"]),
        ("first", ["a", "b"], "a"), ("first", [], None), ("last", ["a", "b"], "b"),
        ("item 2", ["a", "b"], "b"), ("item 3", ["a", "b"], None), ("first", "a", "a"),
        ("joined /", ["a", 1], "a/1"),
        ("flag", "Y", True), ("flag", " no ", False), ("flag", True, True), ("flag", 0, False),
        ("integer", "007", 7), ("integer", -3, -3), ("integer", "4.0", 4),
        ("decimal", "1.10", "1.10"), ("decimal", " -3 ", "-3"), ("decimal", "1E2", "100"),
        ("phone", "+1 (217) 555-0100", "+12175550100"), ("phone", "555 0100 ext. 7", "5550100x7"),
        ("email", "MAILTO:A.B@Ex.org", "a.b@ex.org"),
        ("date", "20260301", "2026-03-01"), ("date", "202603", "2026-03"), ("date", "2026", "2026"),
        ("date", "2026-03-01T23:59:00-11:00", "2026-03-01"), ("date", "20240229", "2024-02-29"),
        ("year", "19850201", 1985), ("year", "1985", 1985),
        ("date_as DD/MM/YYYY", "31/1/2020", "2020-01-31"),
        ("date_as MON DD, YYYY", "January 31, 2020", "2020-01-31"),
        ("date_as DD-MON-YYYY", "31-JAN-2020", "2020-01-31"),
        ("date_as MON, DD YYYY *", "April, 05 2021 14:02:00", "2021-04-05"),
        ("date_as MM/YYYY", "3/2020", "2020-03"),
        ("instant", "202607010930+0200", "2026-07-01T07:30Z[+02:00]"),
        ("instant", "2026-07-01T09:30:15.5Z", "2026-07-01T09:30:15.5Z[+00:00]"),
        ("hl7_time", "2026-07-01T07:30Z[+02:00]", "202607010930+0200"),
        ("hl7_time", "2026-07-01T23:30:05Z[-05:30]", "20260701180005-0530"),
        ("hl7_time", "2026-07", "202607"), ("hl7_date", "2026-03-01", "20260301"),
        ("fhir_time", "2026-07-01T07:30Z[+02:00]", "2026-07-01T09:30:00+02:00"),
        ("fhir_time", "2026-07-01T07:30:01.25Z[+00:00]", "2026-07-01T07:30:01.25+00:00"),
        ("fhir_time", "2026", "2026"),
    ],
)  # fmt: skip
def test_a_good_value(said, value, made):
    assert step(said)(value) == made


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("flag", "maybe"), ("flag", ""), ("flag", 2), ("flag", []), ("integer", "1.5"),
        ("integer", "1e3"), ("integer", "٣"), ("integer", "9" * 30), ("integer", True),
        ("decimal", "1,5"), ("decimal", "NaN"), ("decimal", "1e999"), ("decimal", "1_0"),
        ("phone", "call me"), ("email", "nobody"), ("email", "a@b"), ("email", "a b@c.de"),
        ("date", "20260231"), ("date", "201610015080000"), ("date", "31.1.2020"),
        ("date", "2026-13"),
        ("date", "today"), ("date", {}), ("date_as DD/MM/YYYY", "01/31/2020"),
        ("date_as MON DD, YYYY", "Janissary 31, 2020"),
        ("date_as MON, DD YYYY *", "April, 05 2021"), ("date_as DD/MM/YYYY", "1/2/20"),
        ("instant", "noon"), ("instant", "20160106165800070+0000"), ("year", "x"),
        ("upper", ["a"]), ("prefix x", {"a": 1}), ("last_segment", [1]),
        ("hl7_time", "2026-07-01T1"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_and_never_guessed(said, value):
    with pytest.raises(BadValue):
        step(said)(value)


@pytest.mark.parametrize(
    "said",
    [
        "item x", "item 0", "date_as DD/MM", "date_as YYYY YYYY", "date_as DD/YYYY", "date_as a",
        "date_as *", "date_as MM MON YYYY", "code none", "prefix", "upper x", "nosuch",
    ],
)  # fmt: skip
def test_a_wrong_argument_is_told_when_the_mapping_loads(said):
    with pytest.raises(BadPath):
        step(said)


def test_a_date_that_can_hardly_be_meant_is_noted():
    value = step("date")("10131113")

    assert isinstance(value, Noted)
    assert value == "1013-11-13"
    assert "year" in value.note


def test_codes_go_both_ways(codes):
    code, native, recode = (step(f"{name} sex", codes) for name in ("code", "native", "recode"))

    assert [code("F"), code(" F "), code("9"), code("-")] == ["female", "female", UNKNOWN, None]
    assert native("female") == "F"
    assert [recode("M"), recode("Q")] == ["male", "Q"]
    with pytest.raises(BadValue):
        code("f")
    with pytest.raises(BadValue):
        native("other")


def test_a_time_that_the_clocks_repeat_or_skip_is_noted():
    instant = step("instant", timezone=ZoneInfo("Europe/Berlin"))

    assert instant("202610250230").note
    assert instant("202603290230").note
    assert type(instant("202607010230")) is str


def test_every_transform_says_what_it_does():
    assert all(one.says for one in transforms.TRANSFORMS.values())
