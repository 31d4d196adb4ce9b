"""Databases read and written through SQLAlchemy: SQLite files and a PostgreSQL server."""

from __future__ import annotations

import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import create_engine, text

from connectors.errors import Misconfigured, TryLater
from connectors.promises import CheckPromises, PullPromises, PushPromises
from connectors.record import Delivery
from connectors.sql import Sql

TIMES = {"sqlite": "text", "postgresql": "timestamptz"}


class Base:
    """A database with a table of staff; `kind` is sqlite or postgresql."""

    def __init__(self, kind: str, url: str, monkeypatch) -> None:
        self.kind, self.url = kind, url
        self.engine = create_engine(url)
        monkeypatch.setenv("STAFF_DB", url)
        self.run(
            f'create table "Staff list" (id integer primary key, "last name" text, '
            f"pay numeric(10,2), born date, state text, changed {TIMES[kind]})"
        )

    def run(self, sql: str, **values) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(sql), values)

    def put(self, id: int, name: str, *, minute: int | None = 0, state="A") -> None:
        at = (
            None
            if minute is None
            else datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
        )
        changed = at if self.kind == "postgresql" or at is None else f"{at:%Y-%m-%d %H:%M:%S}"
        self.run(
            "insert into \"Staff list\" values (:id, :name, 1234.50, '1980-02-01', :state, :changed"
            ') on conflict (id) do update set "last name" = excluded."last name", '
            "state = excluded.state, changed = excluded.changed",
            id=id, name=name, state=state, changed=changed,
        )  # fmt: skip

    def rows(self, sql: str) -> list:
        with self.engine.begin() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def base(request, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'staff.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_database")
    made = Base(request.param, url, monkeypatch)
    yield made
    made.engine.dispose()


def staff(**changed) -> Sql:
    columns = ["id", "last name", "pay", "born", "state", "changed"]
    stream = {"table": "Staff list", "columns": columns, "id": "id", "modified": "changed"}
    settings = {"url": "${env:STAFF_DB}", "streams": {"staff": stream | changed}}
    return Sql.model_validate(settings)


def down(monkeypatch) -> Sql:
    monkeypatch.setenv("NO_DB", "postgresql+psycopg://u@127.0.0.1:9/none?connect_timeout=2")
    stream = {"table": "t", "columns": ["id"], "id": "id", "whole": True}
    out = {"table": "t", "columns": ["id"], "keys": ["id"]}
    return Sql.model_validate(
        {"url": "${env:NO_DB}", "streams": {"staff": stream}, "out": {"staff": out}}
    )


def ids(records) -> list[int]:
    return [json.loads(record.body)["id"] for record in records]


class TestSqlPull(PullPromises, CheckPromises):
    overlaps = True

    @pytest.fixture
    def connector(self, base):
        for n in range(12):
            base.put(n, f"N{n}", minute=n // 2)
        return staff(overlap=60)

    @pytest.fixture
    def stream(self):
        return "staff"

    @pytest.fixture
    def down(self, monkeypatch):
        return down(monkeypatch)


class TestWholePull(PullPromises):
    ordered = False
    overlaps = True

    @pytest.fixture
    def connector(self, base):
        for n in range(5):
            base.put(n, f"N{n}")
        return staff(modified="", whole=True)

    @pytest.fixture
    def stream(self):
        return "staff"

    @pytest.fixture
    def down(self, monkeypatch):
        return down(monkeypatch)


class TestSqlPush(PushPromises):
    @pytest.fixture
    def connector(self, base):
        base.run("create table seen (study text, n integer, at timestamp, primary key (study, n))")
        out = {"table": "seen", "columns": ["study", "n", "at"], "keys": ["study", "n"]}
        return Sql.model_validate({"url": "${env:STAFF_DB}", "out": {"staff": out}})

    @pytest.fixture
    def deliveries(self):
        return [said(n, {"study": "S-1", "n": n, "at": "2026-03-01T12:00:00"}) for n in range(3)]

    @pytest.fixture
    def there(self, base):
        return lambda: base.rows("select study, n from seen order by n")

    @pytest.fixture
    def down(self, monkeypatch):
        return down(monkeypatch)


def said(number: int, row: object, stream="staff") -> Delivery:
    body = json.dumps(row).encode()
    return Delivery(id=f"d{number}", stream=stream, body=body, media="application/json")


def test_a_row_is_json_with_its_own_names_dates_and_digits(base):
    base.put(7, "O'Neil")

    (record,) = staff().pull("staff", "")

    row = json.loads(record.body)
    assert row["last name"] == "O'Neil"
    assert (row["id"], row["born"]) == (7, "1980-02-01")
    assert row["pay"] == ("1234.50" if base.kind == "postgresql" else 1234.5)
    assert (record.at, record.media) == (datetime(2026, 3, 1, 12, tzinfo=UTC), "application/json")
    assert record.message_key.startswith("staff/7@")


def test_what_changed_since_comes_oldest_first_with_the_overlap(base):
    for n in range(4):
        base.put(n, "N", minute=10 * n)
    first = list(staff(overlap=0).pull("staff", ""))
    base.put(0, "M", minute=60)

    again = list(staff(overlap=0).pull("staff", first[-1].cursor))
    wider = list(staff(overlap=600).pull("staff", first[-1].cursor))

    assert (ids(first), ids(again), ids(wider)) == ([0, 1, 2, 3], [3, 0], [2, 3, 0])
    assert again[0].message_key == first[3].message_key


def test_a_row_from_the_future_does_not_hide_the_others(base):
    base.put(1, "N", minute=60 * 24 * 365 * 20)
    (late,) = staff().pull("staff", "")
    now = datetime.now(UTC) - timedelta(seconds=10)
    minute = int((now - datetime(2026, 3, 1, 12, tzinfo=UTC)).total_seconds() // 60)
    base.put(2, "M", minute=minute)

    assert set(ids(staff().pull("staff", late.cursor))) == {1, 2}


def test_a_row_without_a_time_of_change_comes_each_time(base):
    base.put(1, "N", minute=None)
    base.put(2, "M", minute=5)
    cursor = [r.cursor for r in staff().pull("staff", "") if r.cursor][-1]

    assert set(ids(staff(overlap=0).pull("staff", cursor))) == {1, 2}


def test_values_of_where_are_bound_and_names_quoted(base):
    for n, state in enumerate(["A", "B", "x'; drop table staff; --", None]):
        base.put(n, "N", state=state)

    def found(where):
        return ids(staff(where=where).pull("staff", ""))

    assert found({"state": "x'; drop table staff; --"}) == [2]
    assert found({"state": ["A", None]}) == [0, 3]
    assert found({"state": None}) == [3]
    with pytest.raises(Misconfigured):
        found({'state" = "state': "A"})


def test_a_row_that_says_it_is_deleted_has_gone(base):
    base.put(1, "N")
    base.put(2, "N", state="D")

    said_ = [record.said for record in staff(gone={"state": "D"}).pull("staff", "")]

    assert said_ == ["said", "gone"]


@pytest.mark.parametrize(
    ("kind", "there", "gone"),
    [
        ("integer", [0, 1], "1"),
        ("integer", [1, 0], "0"),
        ("boolean", [False, True], "true"),
        ("boolean", [True, False], "false"),
        ("text", [None, "x"], "x"),
        ("text", ["x", None], "null"),
    ],
)
def test_gone_is_told_by_a_column_of_any_type_as_yaml_says_it(base, kind, there, gone):
    base.run(f"create table flagged (id integer primary key, flag {kind})")
    for number, flag in enumerate(there):
        base.run("insert into flagged values (:id, :flag)", id=number, flag=flag)
    said = {"table": "flagged", "columns": ["id", "flag"], "modified": "", "whole": True}

    records = list(staff(**said, gone={"flag": gone}).pull("staff", ""))

    assert [record.said for record in records] == ["said", "gone"]


def test_a_text_null_is_none_since_yaml_has_no_other(base):
    base.put(1, "N", state=None)
    base.put(2, "N", state="A")

    assert ids(staff(where={"state": "null"}).pull("staff", "")) == [1]
    assert ids(staff(where={"state": ["null", "A"]}).pull("staff", "")) == [1, 2]


def test_a_whole_table_names_its_things_and_has_no_cursor(base):
    base.put(1, "N")
    whole = staff(modified="", whole=True)

    (record,) = whole.pull("staff", "")

    assert whole.is_whole("staff")
    assert (record.of, record.cursor) == ("1", "")


def test_reading_changes_nothing_there(base):
    from connectors.sql import database

    with pytest.raises((Misconfigured, TryLater)), database.reading(base.url, seconds=5) as one:
        one.execute(text('delete from "Staff list"'))


def test_a_statement_that_takes_too_long_is_given_up(base):
    forever = {
        "sqlite": "with recursive n(i) as (select 1 union all select i+1 from n) "
        "select max(i) from n",
        "postgresql": "select pg_sleep(60)",
    }
    from connectors.sql import database

    with pytest.raises(TryLater), database.reading(base.url, seconds=0.3) as connection:
        connection.execute(text(forever[base.kind]))


@pytest.mark.peer
def test_a_connection_that_breaks_in_the_middle_is_tried_later_and_what_came_stands(
    postgres_database, monkeypatch
):
    base, read = Base("postgresql", postgres_database, monkeypatch), []
    base.run(
        "insert into \"Staff list\" select i, repeat('x', 2000), 1, '1980-02-01', 'A', "
        "timestamptz '2026-03-01' + i * interval '1 minute' from generate_series(1, 20000) i"
    )

    def pulled():
        for record in staff(overlap=0).pull("staff", ""):
            read.append(record)
            if len(read) == 1000:
                base.run(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and pid <> pg_backend_pid()"
                )

    with pytest.raises(TryLater, match="postgresql"):
        pulled()
    rest = list(staff(overlap=0).pull("staff", read[-1].cursor))
    base.engine.dispose()

    assert 1000 <= len(read) < 20_000
    assert {*ids(read), *ids(rest)} == set(range(1, 20_001))


def test_a_table_that_is_not_there_needs_a_person(base):
    with pytest.raises(Misconfigured, match="nobody"):
        list(staff(table="nobody").pull("staff", ""))
    assert "nobody" in staff(table="nobody").check().detail


def test_a_wrong_password_is_told_in_the_databases_words(postgres_database, monkeypatch):
    engine = create_engine(postgres_database)
    with engine.begin() as connection:
        connection.execute(text("create role clerk login password 'right'"))
    engine.dispose()
    address = postgres_database.replace("postgres:@", "nobody:wrong@")
    monkeypatch.setenv("STAFF_DB", address)
    health = staff().check()

    assert not health.ok
    assert 'role "nobody" does not exist' in health.detail
    assert "wrong" not in health.detail
    with pytest.raises(Misconfigured):
        list(staff().pull("staff", ""))


@pytest.mark.parametrize(
    "url", ["nonsense", "oracle+cx_Oracle://u:secret@h/x", "mystery://u:secret@h/x"]
)
def test_an_address_without_a_driver_is_told_without_its_password(monkeypatch, url):
    monkeypatch.setenv("STAFF_DB", url)

    health = staff().check()

    assert not health.ok
    assert "driver" in health.detail
    assert "secret" not in health.detail


def test_rows_are_put_over_those_that_are_there_and_bad_ones_refused(base):
    base.run("create table roll (id integer primary key, name text not null, on_ date)")
    out = {"table": "roll", "columns": ["id", "name", "on_"], "keys": ["id"]}
    target = Sql.model_validate({"url": "${env:STAFF_DB}", "out": {"staff": out}})
    good = [{"id": 1, "name": "A", "on_": "2026-01-02"}, {"id": 1, "name": "B"}]
    bad = [
        {"id": 2, "name": None},
        {"id": 3, "title": "x"},
        {"name": "x"},
        {"id": 4, "name": {}},
        7,
    ]

    receipts = target.push([said(n, row) for n, row in enumerate([good[0], *bad, good[1]])])

    assert [r.outcome for r in receipts] == ["delivered", *["refused"] * 5, "delivered"]
    assert base.rows("select id, name from roll") == [(1, "B")]
    assert str(base.rows("select on_ from roll")[0][0]) == "2026-01-02"
    assert (receipts[0].native_id, receipts[-1].native_id) == ("1", "1")
    assert all("None" not in r.detail for r in receipts)
    with pytest.raises(Misconfigured, match="nothing in `out`"):
        target.push([said(1, {}, stream="elsewhere")])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"whole": True}, "either"),
        ({"modified": ""}, "either"),
        ({"id": "key"}, "lacks key"),
        ({"gone": {"deleted": 1}}, "lacks deleted"),
        ({"timezone": "Mars/Base"}, "no time zone"),
    ],
)
def test_wrong_settings_are_told(change, says):
    with pytest.raises(ValidationError, match=says):
        staff(**change)


def test_numbers_of_changes_move_a_cursor_too(tmp_path, monkeypatch):
    raw = sqlite3.connect(tmp_path / "c.db")
    raw.execute("create table t (id text, n integer)")
    raw.executemany("insert into t values (?, ?)", [(f"i{n}", n) for n in range(1000)])
    raw.commit()
    raw.close()
    monkeypatch.setenv("STAFF_DB", f"sqlite:///{tmp_path / 'c.db'}")
    counted = staff(table="t", columns=["id", "n"], modified="n", overlap=5)

    first = list(counted.pull("staff", ""))
    again = list(counted.pull("staff", first[-1].cursor))

    assert (len(first), len(again)) == (1000, 6)


def test_a_hundred_thousand_rows_are_streamed(tmp_path, monkeypatch, postgres_database):
    monkeypatch.setenv("STAFF_DB", postgres_database)
    engine = create_engine(postgres_database)
    with engine.begin() as connection:
        connection.execute(
            text(
                "create table big as select i as id, repeat('x', 1000) as pad, "
                "timestamp '2026-01-01' + i * interval '1 second' as changed "
                "from generate_series(1, 100000) i"
            )
        )
    engine.dispose()
    big = staff(table="big", columns=["id", "pad", "changed"])
    before, count = resident(), 0

    for _ in big.pull("staff", ""):
        count += 1

    assert count == 100_000
    assert resident() - before < 40 << 20  # all rows are more than 100 MB


def resident() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
