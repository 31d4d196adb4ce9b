"""Tables written into a folder: whole, safe to open, and once."""

import hashlib
import os

import pytest
from pydantic import ValidationError

from connectors.errors import Misconfigured, TryLater
from connectors.files import Files
from connectors.files.folder import Local
from connectors.files.outputs import TableOut
from connectors.files.writing import push
from connectors.promises import CheckPromises, PushPromises
from connectors.record import Delivery

OUT = {"columns": ["id", "note"]}


def files(path, **out) -> Files:
    return Files(path=path, out={"visits": OUT | out})


def delivery(id: str, body: str | bytes, media: str = "application/json") -> Delivery:
    data = body.encode() if isinstance(body, str) else body
    return Delivery(id=id, stream="visits", body=data, media=media)


def contents(path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(path.iterdir())}


class TestFilesPush(PushPromises, CheckPromises):
    @pytest.fixture
    def connector(self, tmp_path):
        return files(tmp_path)

    @pytest.fixture
    def down(self, tmp_path):
        return files(tmp_path / "not-there")

    @pytest.fixture
    def deliveries(self):
        row = b"id,note\r\n2,two\r\n"
        return [delivery("a", '{"id": 1}'), delivery("b", row, "text/csv;row")]

    @pytest.fixture
    def there(self, tmp_path):
        return lambda: contents(tmp_path)


def test_a_batch_is_one_file_named_by_its_first_delivery(tmp_path):
    batch = [delivery("7", '{"id": 1.10, "note": "=x"}'), delivery("8", '{"note": null}')]

    receipts = files(tmp_path).push(batch)

    assert contents(tmp_path) == {"visits-7.csv": b"id,note\r\n1.10,'=x\r\n,\r\n"}
    assert [r.native_id for r in receipts] == ["visits-7.csv#1", "visits-7.csv#2"]


def test_each_delivery_may_have_a_file_of_its_own(tmp_path):
    connector = files(tmp_path, per="delivery")
    first, second = delivery("a", '{"id": 1}'), delivery("b", '{"id": 2}')

    connector.push([first, second])
    connector.push([second])

    assert contents(tmp_path) == {
        "visits-a.csv": b"id,note\r\n1,\r\n",
        "visits-b.csv": b"id,note\r\n2,\r\n",
    }


def test_the_same_delivery_twice_in_a_batch_is_one_row(tmp_path):
    one = delivery("a", '{"id": 1}')

    receipts = files(tmp_path).push([one, one])

    assert [r.outcome for r in receipts] == ["delivered", "delivered"]
    assert contents(tmp_path) == {"visits-a.csv": b"id,note\r\n1,\r\n"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "JSON"),
        ("[1]", "no JSON object"),
        ('{"id": 1, "site": 2}', "no column is called site"),
        ('{"id": [1]}', "id is a list or an object"),
    ],
)
def test_a_delivery_that_is_no_row_is_refused_and_the_others_are_written(tmp_path, body, reason):
    bad, good = files(tmp_path).push([delivery("a", body), delivery("b", '{"id": 2}')])

    assert bad.outcome == "refused"
    assert reason in bad.detail
    assert good.native_id == "visits-b.csv#1"


def test_where_all_are_refused_no_file_is_written(tmp_path):
    files(tmp_path).push([delivery("a", "{")])

    assert contents(tmp_path) == {}


@pytest.mark.parametrize("id", ["../../etc/passwd", "a/b", "a\nb", "x" * 500, ".", "-rf", "ä"])
def test_no_id_leads_out_of_the_folder(tmp_path, id):
    folder = tmp_path / "out"
    folder.mkdir()

    files(folder).push([delivery(id, '{"id": 1}')])

    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert len(contents(folder)) == 1


def test_two_ids_never_become_one_name(tmp_path):
    connector = files(tmp_path)

    for name in ("a/b", "a%2Fb", "a b", "x" * 500, "x" * 501):
        connector.push([delivery(name, '{"id": 1}')])

    assert len(contents(tmp_path)) == 5


def test_a_file_is_on_disk_before_it_has_its_name(tmp_path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        steps.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))  # noqa: PTH115, PTH119
        fsync(descriptor)

    def noted_replace(old, new):
        steps.append("renamed")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    Local(tmp_path).put("a.csv", b"x")

    assert steps == ["a.csv.part", "renamed", tmp_path.name]


def test_a_full_disk_leaves_nothing_half_written_and_is_tried_later(tmp_path):
    class Full(Local):
        def put(self, name, body):
            raise OSError(28, "No space left on device")

    with pytest.raises(TryLater, match="here: No space left"):
        push(Full(tmp_path), {"visits": TableOut(**OUT)}, [delivery("a", "{}")], "here")


def test_what_was_written_before_an_error_is_said(tmp_path):
    class FullLater(Local):
        def put(self, name, body):
            if "-b" in name:
                raise OSError(28, "No space left on device")
            Local.put(self, name, body)

    out = {"visits": TableOut(**OUT, per="delivery")}
    both = [delivery("a", "{}"), delivery("b", "{}")]

    receipts = push(FullLater(tmp_path), out, both, "here")

    assert [r.outcome for r in receipts] == ["delivered", "later"]


def test_a_stream_nobody_set_up_needs_a_person(tmp_path):
    with pytest.raises(Misconfigured, match="nothing in `out` is called other"):
        files(tmp_path).push(
            [Delivery(id="a", stream="other", body=b"{}", media="application/json")]
        )


@pytest.mark.parametrize("name", ["x.csv", "../{id}.csv", ".{id}", "{id}/{x}", "{id}{date}"])
def test_a_name_that_cannot_work_is_refused_at_load(tmp_path, name):
    with pytest.raises(ValidationError, match="file name with"):
        files(tmp_path, name=name)


def test_control_totals_are_the_last_line(tmp_path):
    files(tmp_path, totals="TRL").push([delivery("a", '{"id": 1}')])

    [body] = contents(tmp_path).values()
    assert body.splitlines()[-1].startswith(b"TRL,1,")


def test_sums_stand_in_the_last_line_to_the_cent_and_what_is_no_number_stays_out(tmp_path):
    receipts = files(tmp_path, totals="TRL", sums=["id"]).push(
        [
            delivery("a", '{"id": 0.10}'), delivery("b", '{"id": "-1000.25"}'),
            delivery("c", '{"id": null}'), delivery("d", '{"id": "1,50"}'),
            delivery("e", '{"id": 0.20}'), delivery("f", '{"id": true}'),
        ]
    )  # fmt: skip

    [body] = contents(tmp_path).values()
    *lines, trailer = body.splitlines(keepends=True)
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    assert trailer.decode() == f"TRL,4,-999.95,{digest}\r\n"
    assert [one.outcome for one in receipts] == [
        "delivered", "delivered", "delivered", "refused", "delivered", "refused",
    ]  # fmt: skip


@pytest.mark.parametrize("settings", [{"sums": ["id"]}, {"sums": ["amount"], "totals": "TRL"}])
def test_sums_that_cannot_stand_there_are_refused_at_load(tmp_path, settings):
    with pytest.raises(ValidationError, match="sums"):
        files(tmp_path, **settings)
