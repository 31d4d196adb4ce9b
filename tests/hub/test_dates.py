"""Dates keep what was said, moments one canonical text, and nothing unreadable is guessed."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import dates

NEW_YORK = ZoneInfo("America/New_York")
HL7_DATA = Path(__file__).parents[3] / "shared" / "data" / "hl7v2"


@pytest.mark.parametrize(
    ("said", "date"),
    [
        ("2026", "2026"),
        ("200405", "2004-05"),
        ("20260301", "2026-03-01"),
        ("20240229", "2024-02-29"),
        ("20260301083000", "2026-03-01"),
        ("202603010830-0500", "2026-03-01"),
        ("20260301235959.9999+1400", "2026-03-01"),
    ],
)
def test_an_hl7_date_keeps_its_precision_and_its_day(said, date):
    assert dates.hl7_date(said) == (date, "")


@pytest.mark.parametrize(
    ("said", "date"),
    [
        ("2004", "2004"),
        ("2004-05", "2004-05"),
        ("2026-03-01", "2026-03-01"),
        ("2026-03-01T00:30:00+05:30", "2026-03-01"),
        ("2026-03-01T23:30:00Z", "2026-03-01"),
    ],
)
def test_a_midnight_elsewhere_does_not_shift_an_iso_date(said, date):
    assert dates.iso_date(said) == (date, "")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "0000",
        "20260229",
        "19000229",
        "20260431",
        "20261301",
        "20260100",
        "20260301246000",
        "2026030124",
        "201610015080000",
        "20160106165800070+0000",
        "2026-03-01",
        "٢٠٢٦",
        "20260301\n",
        "UNKNOWN",
    ],
)
def test_an_unreadable_hl7_date_is_an_error_and_never_a_guess(said):
    with pytest.raises(ValueError, match="YYYY"):
        dates.hl7_date(said)
    with pytest.raises(ValueError, match="YYYY"):
        dates.hl7_instant(said, NEW_YORK)


@pytest.mark.parametrize(
    "said", ["20260301", "2026-3-1", "2026-02-30", "2026-03-01T8:30", "2026-03-01T24:00:00Z"]
)
def test_an_unreadable_iso_date_is_an_error(said):
    with pytest.raises(ValueError, match="YYYY"):
        dates.iso_instant(said, UTC)


def test_an_error_shows_the_form_and_not_the_birth_date():
    with pytest.raises(ValueError, match="9999-99-99A") as caught:
        dates.hl7_date("1970-01-02X")

    assert "1970" not in str(caught.value)


def test_a_form_is_short_and_printable():
    assert dates.form("Ab1\x07" + "7" * 100) == repr("AA9?" + "9" * 36 + "…")


def test_the_year_1013_is_readable_and_noted():
    reading = dates.hl7_date("10131113")

    assert reading.text == "1013-11-13"
    assert "1850" in reading.note
    assert "1013" not in reading.note


@pytest.mark.parametrize(
    ("said", "canonical"),
    [
        ("202109240930+0215", "2021-09-24T07:15Z[+02:15]"),
        ("20210924093000+0215", "2021-09-24T07:15:00Z[+02:15]"),
        ("20210924093000.1234+0420", "2021-09-24T05:10:00.1234Z[+04:20]"),
        ("2021092409-0500", "2021-09-24T14:00Z[-05:00]"),
        ("202109240930", "2021-09-24T13:30Z[-04:00]"),
        ("202101240930", "2021-01-24T14:30Z[-05:00]"),
        ("202109242330-0400", "2021-09-25T03:30Z[-04:00]"),
        ("202109240930-0000", "2021-09-24T09:30Z[+00:00]"),
        ("20210924", "2021-09-24"),
        ("2021", "2021"),
    ],
)
def test_an_hl7_time_is_utc_with_the_offset_of_its_source(said, canonical):
    assert dates.hl7_instant(said, NEW_YORK) == (canonical, "")
    assert dates.is_instant(canonical)


@pytest.mark.parametrize(
    ("said", "canonical"),
    [
        ("2021-09-24T09:30:00+02:15", "2021-09-24T07:15:00Z[+02:15]"),
        ("2021-09-24T09:30:00.123456789Z", "2021-09-24T09:30:00.123456789Z[+00:00]"),
        ("2021-09-24T09:30:00+0215", "2021-09-24T07:15:00Z[+02:15]"),
        ("2008-12-04T16:59:07", "2008-12-04T21:59:07Z[-05:00]"),
        ("2021-09-24 09:30", "2021-09-24T13:30Z[-04:00]"),
        ("2021-09", "2021-09"),
    ],
)
def test_an_iso_time_is_utc_with_the_offset_of_its_source(said, canonical):
    assert dates.iso_instant(said, NEW_YORK) == (canonical, "")


def test_a_local_time_that_came_twice_is_the_first_and_noted():
    reading = dates.hl7_instant("202111070130", NEW_YORK)

    assert reading.text == "2021-11-07T05:30Z[-04:00]"
    assert "twice" in reading.note


def test_a_local_time_that_never_was_is_shifted_and_noted():
    reading = dates.hl7_instant("202103140230", NEW_YORK)

    assert reading.text == "2021-03-14T07:30Z[-04:00]"
    assert dates.to_hl7(reading.text) == "202103140330-0400"
    assert "never was" in reading.note


def test_a_half_hour_set_forward_counts_its_own_half_hour():
    reading = dates.hl7_instant("202110030215", ZoneInfo("Australia/Lord_Howe"))

    assert reading.text == "2021-10-02T15:45Z[+11:00]"
    assert "never was" in reading.note


def test_a_local_mean_time_is_told_to_the_minute():
    assert dates.hl7_instant("187001011200", NEW_YORK).text == "1870-01-01T16:56Z[-04:56]"


@pytest.mark.parametrize("said", ["000101010000+1400", "999912312359-1400", "202603010830+1500"])
def test_a_moment_outside_of_the_calendar_is_unreadable(said):
    with pytest.raises(ValueError, match="YYYY"):
        dates.hl7_instant(said, UTC)


@pytest.mark.parametrize(
    ("value", "precision"),
    [
        ("2026", "year"),
        ("2026-03", "month"),
        ("2026-03-01", "day"),
        ("2026-03-01T08:30Z[+01:00]", "minute"),
        ("2026-03-01T08:30:00Z[+01:00]", "second"),
        ("2026-03-01T08:30:00.5Z[+01:00]", "fraction"),
    ],
)
def test_precision_is_read_off_the_text(value, precision):
    assert dates.precision(value) == precision


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T08:30Z",
        "2026-03-01T08:30+01:00",
        "2026-02-30T08:30Z[+01:00]",
        "2026-03-01T24:00Z[+01:00]",
        "2026-03-01T08:60Z[+01:00]",
        "2026-03-01T08:30:60Z[+01:00]",
        "2026-03-01T08:30Z[+15:00]",
        "2026-03-01T08:30Z[+01:60]",
        "2026-2-1",
        "",
    ],
)
def test_what_is_not_canonical_is_not_taken_for_a_moment(value):
    assert not dates.is_instant(value)


def test_a_moment_goes_back_into_the_words_of_its_source():
    canonical = "2021-09-24T07:15Z[+02:15]"

    assert dates.to_hl7(canonical) == "202109240930+0215"
    assert dates.to_iso(canonical) == "2021-09-24T09:30:00+02:15"
    assert dates.local(canonical).hour == 9
    assert (dates.to_hl7("2021-09"), dates.to_iso("2021-09")) == ("202109", "2021-09")


def test_a_fraction_is_cut_to_four_digits_for_hl7_only():
    canonical = "2021-09-24T07:15:00.123456789Z[+00:00]"

    assert dates.to_hl7(canonical) == "20210924071500.1234+0000"
    assert dates.to_iso(canonical) == "2021-09-24T07:15:00.123456789+00:00"
    assert dates.to_datetime(canonical).microsecond == 123456


def test_an_early_year_keeps_its_four_digits():
    assert dates.to_iso("0033-04-03T15:00Z[+00:00]") == "0033-04-03T15:00:00+00:00"
    assert dates.to_hl7("0033-04-03T15:00Z[+00:00]") == "003304031500+0000"


def test_a_datetime_becomes_canonical_and_a_naive_one_does_not():
    at = datetime(2026, 3, 1, 9, 30, 5, 250, tzinfo=timezone(timedelta(hours=1)))

    assert dates.instant(at) == "2026-03-01T08:30:05.000250Z[+01:00]"
    assert dates.instant(at, "minute") == "2026-03-01T08:30Z[+01:00]"
    with pytest.raises(ValueError, match="time zone"):
        dates.instant(at.replace(tzinfo=None))


def test_a_date_begins_with_its_first_moment():
    assert dates.to_datetime("2026") == datetime(2026, 1, 1, tzinfo=UTC)
    assert dates.to_datetime("2026-03") == datetime(2026, 3, 1, tzinfo=UTC)
    assert dates.micros("1970-01-02") == 86_400_000_000
    with pytest.raises(ValueError, match="canonical"):
        dates.micros("soon")


moments = st.datetimes(
    min_value=datetime.fromisoformat("1900-01-02"), max_value=datetime.fromisoformat("2100-01-01")
)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(moments, offsets, moments, offsets)
def test_texts_sort_as_their_moments_do(one, one_offset, other, other_offset):
    first, second = one.replace(tzinfo=one_offset), other.replace(tzinfo=other_offset)

    texts = dates.instant(first), dates.instant(second)

    assert (texts[0][:26] < texts[1][:26]) == (first < second)
    assert (dates.micros(texts[0]) < dates.micros(texts[1])) == (first < second)


@given(moments, offsets)
def test_a_moment_survives_the_way_out_and_in(clock, offset):
    canonical = dates.instant(clock.replace(tzinfo=offset))

    assert dates.iso_instant(dates.to_iso(canonical), UTC).text == canonical
    assert dates.to_datetime(canonical) == clock.replace(tzinfo=offset)
    assert dates.local(canonical).utcoffset() == offset.utcoffset(None)


@given(st.dates())
def test_every_day_of_the_calendar_is_a_date(day):
    assert dates.is_date(day.isoformat())
    assert dates.hl7_date(day.strftime("%Y%m%d").rjust(8, "0")).text == day.isoformat()


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_with_a_value_error(said):
    for read in (dates.hl7_instant, dates.iso_instant):
        try:
            reading = read(said, NEW_YORK)
        except ValueError:
            continue
        assert dates.is_instant(reading.text)


def test_every_message_time_of_the_real_set_is_read_or_known_to_be_broken():
    if not HL7_DATA.exists():
        pytest.skip("the real test data is not here")
    refused = set()

    for path in sorted(HL7_DATA.rglob("*.hl7")):
        for line in path.read_bytes().splitlines():
            fields = line.lstrip(b"\xef\xbb\xbf").split(b"|")
            if fields[0] == b"MSH" and len(fields) > 6 and fields[6]:
                said = fields[6].decode("ascii").partition("^")[0]
                try:
                    dates.hl7_instant(said, UTC)
                except ValueError:
                    refused.add(said)

    assert {"201610015080000", "20160106165800070+0000"} <= refused
    assert len(refused) < 10, refused
