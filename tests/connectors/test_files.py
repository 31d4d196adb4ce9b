"""Folders of files, read with real files."""

import itertools
import os
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.errors import Misconfigured, TryLater
from connectors.files import Files, listing, reading
from connectors.files.folder import Entry, Local, oddity
from connectors.files.listing import Clock
from connectors.files.reading import Inbox
from connectors.files.streams import CsvFiles
from connectors.promises import CheckPromises, PullPromises

T0 = 1_760_000_000
ROSTER = {"glob": "*.csv", "format": "csv", "settle": 0}


def files(path: Path, **stream: object) -> Files:
    return Files(path=path, streams={"roster": ROSTER | stream})


def drop(path: Path, name: str, text: str | bytes, *, time: float = T0) -> Path:
    file = path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(file, ns=(int(time * 1e9), int(time * 1e9)))
    return file


def table(*rows: str) -> str:
    return "id,name\n" + "".join(row + "\n" for row in rows)


class TestFilesPull(PullPromises):
    @pytest.fixture
    def connector(self, tmp_path):
        drop(tmp_path, "b.csv", table("3,C", "4,D"), time=T0 + 5)
        drop(tmp_path, "a.csv", table("1,A", "2", '"x\ny",B'), time=T0)
        drop(tmp_path, "c.csv", "", time=T0 + 6)
        drop(tmp_path, "d.csv", table("5,E"), time=T0 + 7)
        return files(tmp_path)

    @pytest.fixture
    def stream(self):
        return "roster"

    @pytest.fixture
    def down(self, tmp_path):
        return files(tmp_path / "not-there")


class TestFilesCheck(CheckPromises):
    @pytest.fixture
    def connector(self, tmp_path):
        return files(tmp_path)

    @pytest.fixture
    def down(self, tmp_path):
        return files(tmp_path / "not-there")


def test_a_row_is_kept_with_its_header_byte_for_byte(tmp_path):
    drop(tmp_path, "a.csv", b"\xef\xbb\xbfid,name\r\n1,\xc3\x89va\r\n2,Bo")

    records = list(files(tmp_path).pull("roster", ""))

    assert [r.body for r in records] == [
        b"\xef\xbb\xbfid,name\r\n1,\xc3\x89va\r\n",
        b"\xef\xbb\xbfid,name\r\n2,Bo",
    ]
    assert {r.media for r in records} == {"text/csv;row"}
    assert {r.at for r in records} == {datetime.fromtimestamp(T0, UTC)}


def test_files_come_oldest_first_then_by_name(tmp_path):
    drop(tmp_path, "a.csv", table("3,x"), time=T0 + 9)
    drop(tmp_path, "c.csv", table("2,x"), time=T0)
    drop(tmp_path, "b.csv", table("1,x"), time=T0)

    bodies = [r.body for r in files(tmp_path).pull("roster", "")]

    assert bodies == [b"id,name\n1,x\n", b"id,name\n2,x\n", b"id,name\n3,x\n"]


def test_a_file_read_before_is_not_read_again(tmp_path):
    drop(tmp_path, "a.csv", table("1,x", "2,y"))
    connector = files(tmp_path)
    *_, last = connector.pull("roster", "")

    again = list(connector.pull("roster", last.cursor))

    assert again == []


def test_a_file_that_was_only_touched_is_not_read_again(tmp_path):
    file = drop(tmp_path, "a.csv", table("1,x"))
    connector = files(tmp_path)
    *_, last = connector.pull("roster", "")
    os.utime(file, (T0 + 100, T0 + 100))

    again = list(connector.pull("roster", last.cursor))

    assert again == []


def test_new_content_under_an_old_name_is_read(tmp_path):
    drop(tmp_path, "a.csv", table("1,x"))
    connector = files(tmp_path)
    *_, last = connector.pull("roster", "")
    drop(tmp_path, "a.csv", table("1,y"), time=T0 + 1)

    again = list(connector.pull("roster", last.cursor))

    assert [r.body for r in again] == [b"id,name\n1,y\n"]


def test_content_that_comes_back_after_other_content_is_said_anew(tmp_path):
    connector, cursor, keys = files(tmp_path), "", []

    for day, name in enumerate("xyx"):
        drop(tmp_path, "a.csv", table(f"1,{name}"), time=T0 + day)
        [record] = connector.pull("roster", cursor)
        cursor = record.cursor
        keys.append(record.message_key)

    assert len(set(keys)) == 3


def test_a_late_file_with_an_old_time_is_read(tmp_path):
    drop(tmp_path, "b.csv", table("2,x"), time=T0)
    connector = files(tmp_path)
    *_, last = connector.pull("roster", "")
    drop(tmp_path, "a.csv", table("1,x"), time=T0 - 1000)

    again = list(connector.pull("roster", last.cursor))

    assert [r.body for r in again] == [b"id,name\n1,x\n"]


def test_a_file_replaced_while_half_read_is_reported_and_read_anew(tmp_path):
    drop(tmp_path, "a.csv", table("1,x", "2,x", "3,x"))
    connector = files(tmp_path)
    first = next(iter(connector.pull("roster", "")))
    drop(tmp_path, "a.csv", table("9,z"), time=T0 + 1)

    lost, *new = connector.pull("roster", first.cursor)

    assert "CROHUB-FILE-LOST" in lost.fault
    assert "after 2 lines" in lost.fault
    assert [r.body for r in new] == [b"id,name\n9,z\n"]


def test_a_row_that_is_bad_has_a_fault_and_its_neighbours_load(tmp_path):
    drop(tmp_path, "a.csv", table("1,x", "2,y,z", "3,x"))

    records = list(files(tmp_path).pull("roster", ""))

    assert [bool(r.fault) for r in records] == [False, True, False]
    assert records[1].fault == "a.csv: line 3: 3 cells where the header has 2"
    assert records[1].body == b"id,name\n2,y,z\n"


def test_a_file_with_too_many_bad_rows_is_kept_whole_with_the_reason(tmp_path):
    text = table(*["1,x"] * 18, "2", "3")
    drop(tmp_path, "a.csv", text)

    [record] = files(tmp_path).pull("roster", "")

    assert record.body == text.encode()
    assert record.media == "text/csv"
    assert "CROHUB-FILE-THRESHOLD: 2 of 20 rows are bad, more than 5%" in record.fault
    assert "line 20" in record.fault


def test_as_many_bad_rows_as_allowed_do_not_refuse_the_file(tmp_path):
    drop(tmp_path, "a.csv", table(*["1,x"] * 38, "2", "3"))

    records = list(files(tmp_path).pull("roster", ""))

    assert (len(records), sum(bool(r.fault) for r in records)) == (40, 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "CROHUB-FILE-EMPTY"),
        ("a,a\n1,2\n", "CROHUB-CSV-HEADER: columns 1 and 2 have the same name"),
        ("a,\n1,2\n", "CROHUB-CSV-HEADER: column 2 has no name"),
        ("not a table\n", "CROHUB-CSV-HEADER: one column only"),
        ("name,other\n1,2\n", "CROHUB-CSV-HEADER: column id is missing"),
    ],
)
def test_a_wrong_header_refuses_the_file(tmp_path, text, code):
    drop(tmp_path, "a.csv", text)
    columns = ["id", "name"] if "missing" in code else []

    [record] = files(tmp_path, columns=columns).pull("roster", "")

    assert code in record.fault
    assert record.body == text.encode()


def test_a_refused_file_is_not_read_again(tmp_path):
    drop(tmp_path, "a.csv", "")
    connector = files(tmp_path)
    [record] = connector.pull("roster", "")

    again = list(connector.pull("roster", record.cursor))

    assert again == []


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    drop(tmp_path, "a.csv", table("1,x"))

    [record] = files(tmp_path, largest=5).pull("roster", "")

    assert "CROHUB-FILE-SIZE: 12 bytes, at most 5" in record.fault


def test_only_part_of_a_large_refused_file_is_kept(tmp_path):
    drop(tmp_path, "a.csv", "a,a\n" + "1,2\n" * 300_000)

    [record] = files(tmp_path).pull("roster", "")

    assert len(record.body) == reading.EVIDENCE_LIMIT
    assert "(1,048,576 of 1,200,004 bytes kept)" in record.fault


def test_the_time_of_a_row_comes_from_its_column(tmp_path):
    text = "id,seen\n1,2026-03-01T08:30:00+01:00\n2,yesterday\n3,2026-03-01T08:30:00\n"
    drop(tmp_path, "a.csv", text)

    said, other, naive = files(tmp_path, at="seen").pull("roster", "")

    assert said.at.isoformat() == "2026-03-01T08:30:00+01:00"
    assert (other.at.timestamp(), naive.at.timestamp()) == (T0, T0)
    assert other.notes
    assert naive.notes


def test_a_young_file_waits_until_it_has_rested(tmp_path):
    drop(tmp_path, "a.csv", table("1,x"), time=T0)

    young = list(reading.pull(an_inbox(tmp_path, Clock(lambda: T0 + 9)), ""))
    rested = list(reading.pull(an_inbox(tmp_path, Clock(lambda: T0 + 11)), ""))

    assert (len(young), len(rested)) == (0, 1)


def test_a_file_from_the_future_is_looked_at_twice(tmp_path):
    still = drop(tmp_path, "a.csv", table("1,x"), time=T0 + 60)
    growing = drop(tmp_path, "b.csv", table("2,x"), time=T0 + 60)

    def time_goes_by(seconds: float) -> None:
        assert seconds == 10
        with growing.open("a") as file:
            file.write("3,x\n")

    records = list(reading.pull(an_inbox(tmp_path, Clock(lambda: T0, time_goes_by)), ""))

    assert [r.body for r in records] == [b"id,name\n1,x\n"]
    assert still.exists()


def an_inbox(path: Path, clock: Clock, **stream: object) -> Inbox:
    settings = CsvFiles(glob="*.csv", format="csv", **stream)
    return Inbox(Local(path), "roster", settings, "here", clock)


def test_a_marker_says_that_a_file_is_whole(tmp_path):
    drop(tmp_path, "a.csv", table("1,x"))
    connector = files(tmp_path, marker=".done")

    before = list(connector.pull("roster", ""))
    drop(tmp_path, "a.csv.done", "")
    after = list(connector.pull("roster", ""))

    assert (len(before), len(after)) == (0, 1)


def test_a_file_that_grows_between_listing_and_reading_is_left_for_the_next_pull(tmp_path):
    drop(tmp_path, "a.csv", table("1,x"))
    drop(tmp_path, "b.csv", table("2,x"), time=T0 + 1)
    connector = files(tmp_path)

    pull = connector.pull("roster", "")
    first = next(pull)  # one record is held back: b.csv is being read
    pull = reading.pull(Inbox(Growing(tmp_path), "roster", CsvFiles(**ROSTER), "here", Clock()), "")
    now = [r.body for r in pull]
    later = [r.body for r in connector.pull("roster", first.cursor)]

    assert now == [b"id,name\n1,x\n"]
    assert b"id,name\n9,x\n" in later


def test_a_file_renamed_while_it_is_read_is_read_under_its_new_name(tmp_path):
    class Renaming(Local):
        def open(self, name):
            opened = Local.open(self, name)
            if name == "a.csv":
                (self.path / name).rename(self.path / "z.csv")
            return opened

    drop(tmp_path, "a.csv", table("1,x"))
    inbox = Inbox(Renaming(tmp_path), "roster", CsvFiles(**ROSTER), "here", Clock())

    now = list(reading.pull(inbox, ""))
    later = list(reading.pull(inbox, ""))

    assert (now, [r.body for r in later]) == ([], [b"id,name\n1,x\n"])


def test_a_folder_larger_than_one_look_is_read_whole_and_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "AT_ONCE", 3)
    for number in range(10):
        drop(tmp_path, f"{9 - number}.csv", table(f"{number},x"), time=T0 + number)

    records = list(files(tmp_path).pull("roster", ""))

    assert [r.body for r in records] == [b"id,name\n%d,x\n" % n for n in range(10)]


class Growing(Local):
    """A folder in which b.csv gets another row whenever it is opened."""

    def open(self, name):
        opened = Local.open(self, name)
        if name == "b.csv":
            with (self.path / name).open("a") as file:
                file.write("9,x\n")
        return opened


def test_odd_names_are_passed_over_and_counted(tmp_path):
    drop(tmp_path, "good.csv", table("1,x"))
    outside = drop(tmp_path.parent, f"{tmp_path.name}-outside", table("6,secret"))
    (tmp_path / "link.csv").symlink_to(outside)
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    for name in ("-rf.csv", "new\nline.csv", ".hidden.csv", "x" * 251 + ".csv"):
        drop(tmp_path, name, table("2,x"))
    os.close(os.open(os.fsencode(tmp_path) + b"/bad\xff.csv", os.O_CREAT))
    connector = files(tmp_path)

    records = list(connector.pull("roster", ""))
    health = connector.check()

    assert [r.body for r in records] == [b"id,name\n1,x\n"]
    assert health.detail == (
        f"{tmp_path}: 1 files match; passed over: 1 folder, 2 name begins with . or -, "
        "1 name longer than 240 bytes, 2 name with a separator or control character, "
        "1 no regular file, 1 symbolic link"
    )


@pytest.mark.parametrize("name", ["../x.csv", "a/b.csv", "..\\x.csv"])
def test_a_listed_name_that_leads_elsewhere_is_odd(name):
    assert oddity(Entry(name, "file", 1, T0))


def test_a_link_that_took_a_files_place_is_not_followed(tmp_path):
    outside = drop(tmp_path.parent, f"{tmp_path.name}-outside", "secret")
    (tmp_path / "a.csv").symlink_to(outside)

    with pytest.raises(OSError, match=r"a\.csv"):
        Local(tmp_path).open("a.csv")


def test_a_stored_file_is_archived_on_the_next_pull(tmp_path):
    drop(tmp_path, "a.csv", table("1,x", "2,x"))
    connector = files(tmp_path, after="archive")

    first, last = connector.pull("roster", "")
    still_there = (tmp_path / "a.csv").exists()
    list(connector.pull("roster", first.cursor))
    not_stored_whole = (tmp_path / "a.csv").exists()
    list(connector.pull("roster", last.cursor))

    assert still_there
    assert not_stored_whole
    assert [p.read_text() for p in (tmp_path / "archive").iterdir()] == [table("1,x", "2,x")]
    assert not (tmp_path / "a.csv").exists()


def test_two_contents_of_one_name_do_not_meet_in_the_archive(tmp_path):
    connector, cursor = files(tmp_path, after="archive", marker=".done"), ""

    for day in range(2):
        drop(tmp_path, "a.csv", table(f"{day},x"), time=T0 + day)
        drop(tmp_path, "a.csv.done", "")
        [record] = connector.pull("roster", cursor)
        cursor = record.cursor
        list(connector.pull("roster", cursor))

    assert len(list((tmp_path / "archive").glob("a.csv.*"))) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["archive"]


def test_the_ledger_forgets_files_that_are_gone(tmp_path):
    connector = files(tmp_path)
    file = drop(tmp_path, "a.csv", table("1,x"))
    [record] = connector.pull("roster", "")
    one = len(record.cursor)
    file.unlink()
    drop(tmp_path, "b.csv", table("2,x"))

    [record] = connector.pull("roster", record.cursor)

    assert len(record.cursor) == one


def test_a_cursor_from_elsewhere_is_refused_with_advice(tmp_path):
    for cursor in ("2026-01-01", "[]", '{"v":9,"seen":""}', '{"v":1,"seen":"abc"}'):
        with pytest.raises(Misconfigured, match="reset it"):
            list(files(tmp_path).pull("roster", cursor))


def test_many_files_share_cursors_and_the_last_names_them_all(tmp_path):
    for number in range(400):
        drop(tmp_path, f"{number:03}.csv", table(f"{number},x"), time=T0 + number)
    connector = files(tmp_path)

    records = list(connector.pull("roster", ""))

    assert len({r.cursor for r in records}) < 300
    assert list(connector.pull("roster", records[-1].cursor)) == []
    for record, following in list(itertools.pairwise(records))[::40]:
        resumed = {r.message_key for r in connector.pull("roster", record.cursor)}
        assert following.message_key in resumed


def test_what_was_read_before_an_error_stands(tmp_path):
    class Failing(Local):
        def open(self, name):
            if name == "b.csv":
                raise OSError(5, "Input/output error")
            return Local.open(self, name)

    drop(tmp_path, "a.csv", table("1,x", "2,x"))
    drop(tmp_path, "b.csv", table("3,x"), time=T0 + 1)
    inbox = Inbox(Failing(tmp_path), "roster", CsvFiles(**ROSTER), "folder x", Clock())
    got = []

    with pytest.raises(TryLater, match="folder x: Input/output error"):
        got.extend(reading.pull(inbox, ""))
    pull = reading.pull(inbox, "")
    stood = [next(pull).body, next(pull).body]

    assert stood == [b"id,name\n1,x\n", b"id,name\n2,x\n"]


def test_a_file_we_may_not_read_does_not_hold_up_the_others(tmp_path):
    class Closed(Local):
        def open(self, name):
            if name == "a.csv":
                raise PermissionError(13, "Permission denied")
            return Local.open(self, name)

    drop(tmp_path, "a.csv", table("1,x"))
    drop(tmp_path, "b.csv", table("2,x"), time=T0 + 1)
    pull = reading.pull(
        Inbox(Closed(tmp_path), "roster", CsvFiles(**ROSTER), "folder x", Clock()), ""
    )

    first = next(pull)

    assert first.body == b"id,name\n2,x\n"
    with pytest.raises(TryLater, match=r"permission denied for a\.csv"):
        next(pull)


def test_ndjson_lines_are_records_as_they_stand(tmp_path):
    drop(tmp_path, "a.ndjson", b'{"a": 1.10}\r\n\n{"b":2,"b":3}\n{"c":')
    stream = {"glob": "*.ndjson", "format": "ndjson", "settle": 0, "threshold": 1}

    good, twice, cut = Files(path=tmp_path, streams={"s": stream}).pull("s", "")

    assert (good.body, good.media, good.fault) == (b'{"a": 1.10}', "application/json", "")
    assert "line 3" in twice.fault
    assert "line 4" in cut.fault


def test_elements_of_a_document_are_records_and_resume(tmp_path):
    drop(tmp_path, "a.xml", '<o xmlns="urn:x" k="1"><p><s n="1"/><s n="2"/></p><s n="3"/></o>')
    stream = {"glob": "*.xml", "format": "xml", "settle": 0, "element": "s"}
    connector = Files(path=tmp_path, streams={"x": stream})

    records = list(connector.pull("x", ""))
    resumed = list(connector.pull("x", records[0].cursor))

    assert records[0].body == b'<s xmlns="urn:x" n="1"/>'
    assert records[0].media == "application/xml;s"
    assert [r.message_key for r in resumed] == [r.message_key for r in records[1:]]


def test_a_document_that_ends_too_soon_is_refused_whole(tmp_path):
    drop(tmp_path, "a.xml", "<o>\n<s/>\n<s/>")
    stream = {"glob": "*.xml", "format": "xml", "settle": 0, "element": "s"}

    [record] = Files(path=tmp_path, streams={"x": stream}).pull("x", "")

    assert "a.xml: CROHUB-XML-FORM: not well-formed at line 3" in record.fault


def test_a_document_without_the_element_says_so(tmp_path):
    drop(tmp_path, "a.xml", "<o/>")
    stream = {"glob": "*.xml", "format": "xml", "settle": 0, "element": "s"}

    [record] = Files(path=tmp_path, streams={"x": stream}).pull("x", "")

    assert "CROHUB-XML-NONE" in record.fault


HL7 = {"glob": "*.hl7", "format": "hl7", "settle": 0}


def test_each_message_of_a_batch_is_a_record_and_resumes(tmp_path):
    msh = "MSH|^~\\&|A|B|C|D|2026030112000{}+0100||ADT^A01|{}|{}|2.5\rPID|1\r"
    messages = msh.format(1, 7, "P") + msh.format(2, 7, "T")
    drop(tmp_path, "a.hl7", f"FHS|^~\\&\rBHS|^~\\&\r{messages}BTS|2\rFTS|1\r")
    connector = Files(path=tmp_path, streams={"adt": HL7})

    first, second = connector.pull("adt", "")
    resumed = list(connector.pull("adt", first.cursor))

    assert first.body + second.body == messages.encode()
    assert (first.media, first.test, second.test) == ("hl7v2", False, True)
    assert first.at.isoformat() == "2026-03-01T12:00:01+01:00"
    assert [r.message_key for r in resumed] == [second.message_key]


def test_a_batch_with_a_wrong_count_is_refused_whole(tmp_path):
    text = "BHS|^~\\&\rMSH|^~\\&|A|B|C|D|20260301||ADT^A01|7|P|2.5\rBTS|2\r"
    drop(tmp_path, "a.hl7", text)

    [record] = Files(path=tmp_path, streams={"adt": HL7}).pull("adt", "")

    assert "CROHUB-HL7-BATCH: line 3: BTS-1 says '2', found 1" in record.fault
    assert record.body == text.encode()


def test_the_zone_of_times_without_offset_is_the_stream_s(tmp_path):
    drop(tmp_path, "a.hl7", "MSH|^~\\&|A|B|C|D|20260701120000||ADT^A01|7|P|2.5\r")

    [there] = Files(path=tmp_path, streams={"s": HL7 | {"zone": "Europe/Vienna"}}).pull("s", "")
    [unsaid] = Files(path=tmp_path, streams={"s": HL7}).pull("s", "")

    assert there.at.isoformat() == "2026-07-01T12:00:00+02:00"
    assert unsaid.at.timestamp() == T0
    assert unsaid.notes


def test_memory_does_not_grow_with_the_file(tmp_path):
    row = "1234567," + "x" * 990
    with (tmp_path / "a.csv").open("w") as file:
        file.write("id,name\n")
        file.writelines(f"{row}\n" for _ in range(6_000))

    tracemalloc.start()
    count = sum(1 for _ in files(tmp_path).pull("roster", ""))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 6_000
    assert peak < 2_500_000, f"{peak:,} bytes for a file of 6 MB"


@pytest.mark.parametrize(
    "stream",
    [
        {"glob": "../*.csv", "format": "csv"},
        {"glob": "*.csv", "format": "ods"},
        {"glob": "*.csv", "format": "csv", "encoding": "utf-9"},
        {"glob": "*.csv", "format": "csv", "delimiter": "ab"},
        {"glob": "*.csv", "format": "csv", "archive": "../elsewhere"},
        {"glob": "*.hl7", "format": "hl7", "zone": "Vienna"},
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_load(tmp_path, stream):
    with pytest.raises(ValidationError):
        Files(path=tmp_path, streams={"s": stream})


DATA = Path(__file__).parents[3] / "shared/data/csv/cdc-reportstream"


def real_tables() -> Iterator[Path]:
    return DATA.glob("*/**/*.csv")


@pytest.mark.skipif(not DATA.exists(), reason="the real test data are not here")
@pytest.mark.parametrize(
    ("name", "good", "faults"),
    [
        ("happy-path", 7, []),
        ("1001-lines", 999, []),
        ("change-column-ordering", 7, []),
        ("column-headers-only", 0, []),
        ("completely-empty-file", 0, ["CROHUB-FILE-EMPTY"]),
        ("missing-data", 0, ["line 2: 1 cells where the header has 7"]),
        ("not-a-csv-file", 0, ["CROHUB-CSV-HEADER: one column only"]),
        ("quoted-strings-with-embedded-commas", 4, []),
        ("too-many-columns", 0, ["CROHUB-CSV-HEADER"]),
        ("too-much-data", 0, ["line 2: 8 cells where the header has 7"]),
        ("weird-data", 7, []),
        ("weird-dates", 7, []),
        ("wrong-type-data", 1, []),
    ],
)
def test_real_tables_give_what_they_hold(name, good, faults):
    stream = {"glob": f"{name}.csv", "format": "csv", "settle": 0}
    connector = Files(path=DATA / "csv_test_files/input", streams={"s": stream})

    records = list(connector.pull("s", ""))

    assert sum(not r.fault for r in records) == good
    assert [f for r in records if (f := r.fault)] == [
        next(r.fault for r in records if expected in r.fault) for expected in faults
    ]


@pytest.mark.skipif(not DATA.exists(), reason="the real test data are not here")
def test_every_real_table_is_read_byte_for_byte():
    for path in real_tables():
        stream = {"glob": path.name, "format": "csv", "settle": 0}
        records = list(Files(path=path.parent, streams={"s": stream}).pull("s", ""))
        whole = path.read_bytes()
        for record in records:
            lines = record.body.splitlines(keepends=True)
            assert all(line in whole for line in lines)


REAL = Path(__file__).parents[3] / "shared/data"


@pytest.mark.skipif(not REAL.exists(), reason="the real test data are not here")
@pytest.mark.parametrize(
    ("name", "messages", "code"),
    [
        ("sample_file1", 3, ""),
        ("sample_batch1", 2, ""),
        ("sample_batch2", 2, ""),
        ("sample_file2", 2, ""),
        ("sample_bad_batch", 0, "CROHUB-HL7-BATCH"),
        ("sample_bad_file", 0, "CROHUB-HL7-BATCH"),
        ("sample_batch3", 0, "CROHUB-HL7-BATCH"),
    ],
)
def test_real_batches_give_what_their_envelopes_promise(name, messages, code):
    [path] = (REAL / "hl7v2/python-hl7").glob(f"{name}.*")
    stream = HL7 | {"glob": path.name}

    records = list(Files(path=path.parent, streams={"s": stream}).pull("s", ""))

    assert sum(not r.fault for r in records) == messages
    assert len({r.message_key for r in records}) == len(records)
    assert all(code in r.fault for r in records)
    assert bool(code) == any(r.fault for r in records)


@pytest.mark.skipif(not REAL.exists(), reason="the real test data are not here")
def test_real_ndjson_under_another_extension_is_read():
    stream = {"glob": "bulk_*.fhir", "format": "ndjson", "media": "application/fhir+json"}
    path = REAL / "fhir/cdc-reportstream"

    records = list(Files(path=path, streams={"s": stream}).pull("s", ""))

    lines = [line for line in (path / "bulk_valid_data.fhir").read_bytes().splitlines() if line]
    assert [r.body for r in records] == lines
    assert [r.fault for r in records] == [""] * len(lines)


class TestWholeListPull(PullPromises):
    """One list waits: a pull gives one, and resuming inside it begins it anew."""

    overlaps = True

    @pytest.fixture
    def connector(self, tmp_path):
        drop(tmp_path, "a.csv", table("1,A", "2,B", "3,C"))
        return files(tmp_path, whole=True, id="id")

    @pytest.fixture
    def stream(self):
        return "roster"

    @pytest.fixture
    def down(self, tmp_path):
        return files(tmp_path / "not-there", whole=True, id="id")


def test_whole_lists_come_one_a_pull_and_name_their_things(tmp_path):
    drop(tmp_path, "a.csv", table("1,A", "2,B"), time=T0)
    drop(tmp_path, "b.csv", table("1,A"), time=T0 + 5)
    lists = files(tmp_path, whole=True, id="id")

    first = list(lists.pull("roster", ""))
    second = list(lists.pull("roster", first[-1].cursor))
    third = list(lists.pull("roster", second[-1].cursor))

    assert lists.is_whole("roster")
    assert [[one.of for one in some] for some in (first, second, third)] == [["1", "2"], ["1"], []]
    assert second[0].message_key == first[0].message_key


def test_a_whole_list_is_never_resumed_inside(tmp_path):
    drop(tmp_path, "a.csv", table("1,A", "2,B", "3,C"))
    piecewise = list(files(tmp_path).pull("roster", ""))

    again = list(files(tmp_path, whole=True, id="id").pull("roster", piecewise[0].cursor))

    assert [one.of for one in again] == ["1", "2", "3"]


def test_a_list_without_rows_is_refused_and_one_without_an_id_no_setting(tmp_path):
    drop(tmp_path, "a.csv", table())

    (record,) = files(tmp_path, whole=True, id="id").pull("roster", "")

    assert "CROHUB-LIST-EMPTY" in record.fault
    assert record.of == ""
    with pytest.raises(ValidationError, match="needs `id`"):
        files(tmp_path, whole=True)
