"""Zip archives from strangers: bombs, names that lead out, and directories that lie."""

import io
import os
import stat
import struct
import zipfile

import pytest

from connectors.errors import Refused
from connectors.files import Files
from connectors.formats import zips
from connectors.promises import PullPromises

T0 = 1_760_000_000


def packed(**members: bytes) -> bytes:
    return packed_as(members)


def packed_as(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return made.getvalue()


def read_all(body: bytes, **limits: int) -> dict[str, bytes]:
    with zips.opened(io.BytesIO(body), zips.Limits(**limits)) as archive:
        return {name: zips.read(archive, name, largest=10**9) for name in archive.namelist()}


def patched(body: bytes, field: int, value: bytes) -> bytes:
    """The archive with a field of its first directory entry changed."""
    at = body.index(b"PK\x01\x02") + field
    return body[:at] + value + body[at + len(value) :]


def test_a_sound_archive_is_read():
    assert read_all(packed(a=b"1", b=b"2" * 5000)) == {"a": b"1", "b": b"2" * 5000}


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../x", "a\\..\\x", "C:/x", "C:x", "a\nb", "a\x07"]
)
def test_a_name_that_leads_out_is_refused(name):
    with pytest.raises(Refused, match="CROHUB-ZIP-NAME"):
        read_all(packed_as({name: b"1"}))


def test_dots_within_a_name_lead_nowhere():
    assert read_all(packed_as({"a/..b/c..csv": b"1"})) == {"a/..b/c..csv": b"1"}


def test_two_members_of_one_name_are_refused():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")

    with pytest.raises(Refused, match="the same name"):
        read_all(made.getvalue())


def test_a_symbolic_link_is_refused():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        link = zipfile.ZipInfo("a")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")

    with pytest.raises(Refused, match="symbolic link"):
        read_all(made.getvalue())


def test_an_encrypted_member_is_refused():
    with pytest.raises(Refused, match="CROHUB-ZIP-ENCRYPTED"):
        read_all(patched(packed(a=b"1"), 8, struct.pack("<H", 1)))


def test_another_way_of_packing_is_refused():
    with pytest.raises(Refused, match="CROHUB-ZIP-METHOD"):
        read_all(packed_as({"a": b"1"}, zipfile.ZIP_LZMA))


def test_a_ratio_that_only_a_bomb_has_is_refused_from_the_directory():
    with pytest.raises(Refused, match="CROHUB-ZIP-RATIO"):
        read_all(packed(a=bytes(5_000_000)))


@pytest.mark.parametrize(
    ("limits", "code"),
    [({"size": 4999}, "CROHUB-ZIP-SIZE"), ({"members": 1}, "CROHUB-ZIP-MEMBERS")],
)
def test_limits_are_kept(limits, code):
    body = packed(a=os.urandom(2500), b=os.urandom(2500))

    with pytest.raises(Refused, match=code):
        read_all(body, **limits)
    assert len(read_all(body, size=5000, members=2)) == 2


def test_a_member_larger_than_its_directory_says_is_refused():
    body = packed(a=bytes(900_000))
    lying = patched(body, 24, struct.pack("<L", 1000))

    with pytest.raises(Refused, match=r"CROHUB-ZIP-FORM.*checksum"):
        read_all(lying)


def test_a_member_smaller_than_its_directory_says_is_refused():
    lying = patched(packed(a=b"x" * 1000), 24, struct.pack("<L", 2000))

    with pytest.raises(Refused, match="CROHUB-ZIP-FORM"):
        read_all(lying)


def test_members_that_share_their_bytes_are_refused():
    body = packed(a=os.urandom(600), b=os.urandom(600))
    second = body.index(b"PK\x01\x02", body.index(b"PK\x01\x02") + 4)
    overlapping = body[: second + 42] + struct.pack("<L", 0) + body[second + 46 :]

    with pytest.raises(Refused, match="CROHUB-ZIP-OVERLAP"):
        read_all(overlapping)


@pytest.mark.parametrize(
    "body",
    [b"", b"PK\x03\x04", b"not a zip", packed(a=b"1" * 99)[:-30]],
    ids=["empty", "a mark alone", "text", "cut off"],  # an archive has the time of day in it
)
def test_what_is_no_archive_is_refused(body):
    with pytest.raises(Refused, match="CROHUB-ZIP-FORM"):
        read_all(body)


def test_a_reason_never_holds_a_members_name():
    body = packed_as({"Tanaka.csv": b"x" * 1000})

    with pytest.raises(Refused) as raised:
        read_all(patched(body, 16, b"\0\0\0\0"))

    assert "Tanaka" not in str(raised.value)


# -- archives in a folder


def table(*rows: str) -> bytes:
    return ("id,name\n" + "".join(row + "\n" for row in rows)).encode()


def folder(path, body: bytes, *, time: float = T0, name: str = "a.zip", **stream: object) -> Files:
    (path / name).write_bytes(body)
    os.utime(path / name, (time, time))
    return files(path, **stream)


def files(path, **stream: object) -> Files:
    inner = {"glob": "*", "format": "csv"}
    zipped = {"glob": "*.zip", "format": "zip", "inside": "*.csv", "of": inner, "settle": 0}
    return Files(path=path, streams={"rows": zipped | stream})


class TestZipPull(PullPromises):
    @pytest.fixture
    def connector(self, tmp_path):
        members = {"b.csv": table("3,C", "4"), "x/a.csv": table("1,A", "2,B"), "note.txt": b"-"}
        folder(tmp_path, packed_as(members))
        return folder(tmp_path, packed_as({"c.csv": table("5,E")}), name="b.zip", time=T0 + 1)

    @pytest.fixture
    def stream(self):
        return "rows"

    @pytest.fixture
    def down(self, tmp_path):
        return files(tmp_path / "not-there")


def test_members_are_read_by_name_as_if_they_lay_in_the_folder(tmp_path):
    members = {"2.csv": table("3,C"), "1.csv": table("1,A", "2"), "1.txt": b"no table"}

    records = list(folder(tmp_path, packed_as(members)).pull("rows", ""))

    assert [record.body for record in records] == [table("1,A"), table("2"), table("3,C")]
    assert [record.fault for record in records] == [
        "", "a.zip: 1.csv: line 3: 1 cells where the header has 2", "",
    ]  # fmt: skip
    assert {record.media for record in records} == {"text/csv;row"}


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"a.csv": table("1,A"), "b.csv": b"one column"}, "a.zip: b.csv: CROHUB-CSV-HEADER"),
        ({"a.txt": b"x"}, "CROHUB-ZIP-NONE"),
        ({"../a.csv": table("1,A")}, "CROHUB-ZIP-NAME"),
    ],
)
def test_an_archive_is_taken_whole_or_not_at_all(tmp_path, members, code):
    [record] = folder(tmp_path, packed_as(members)).pull("rows", "")

    assert code in record.fault
    assert record.media == "application/zip"
