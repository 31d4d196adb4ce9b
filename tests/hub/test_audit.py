"""An export of the audit, and what is done to it: whatever it is, it is found."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace

import orjson
import pytest

from hub import audit
from hub.audit import signing, verify
from hub.audit.chain import entries
from hub.audit.export import as_line, export
from hub.audit.heads import Outside, heads, outside, stamped
from hub.audit.signing import Altered

NOW = 1_772_000_000_000_000
CHAINS = {"settler": 5, "start": 2, "worker": 4}


@pytest.fixture
def signer(tmp_path):
    return signing.load(tmp_path / "audit.key", NOW)


@pytest.fixture
def filled(store):
    """A store with three chains."""
    for chain, count in CHAINS.items():
        for n in range(count):
            entry = audit.Entry(
                at=NOW + n, actor="ada", action="pause", object=f"line {n}", reason="a test",
                origin="192.0.2.7" if n % 2 else "",
            )  # fmt: skip
            with store.transaction():
                audit.append(store, chain, [entry])
    return store


def written(session, signer, now=NOW) -> bytes:
    stream = io.BytesIO()
    export(session, signer, stream, now, {"by": "ada", "reason": "an audit"})
    return stream.getvalue()


@pytest.fixture
def exported(filled, signer) -> bytes:
    return written(filled, signer)


def looked(content: bytes, asked=None, pinned=None) -> verify.Report:
    return verify.exported(io.BytesIO(content), asked or Outside(), pinned or {})


def test_an_export_holds_every_entry_and_proves_itself(exported, signer):
    report = looked(exported)

    assert report.broken == []
    assert (report.entries, report.chains) == (11, 3)
    assert report.keys == [signer.id]
    assert (report.exported["by"], report.exported["reason"]) == ("ada", "an audit")


def test_each_byte_that_is_another_is_found(exported):
    unseen = []
    for place in range(len(exported)):
        altered = bytearray(exported)
        altered[place] ^= 1 << (place % 8)
        if not looked(bytes(altered)).broken:
            unseen.append(place)

    assert unseen == []


def test_each_byte_that_is_taken_out_or_put_in_is_found(exported):
    for place in range(0, len(exported), 3):
        assert looked(exported[:place] + exported[place + 1 :]).broken, place
        assert looked(exported[:place] + b"0" + exported[place:]).broken, place


def test_what_stands_behind_the_end_is_found(exported):
    assert looked(exported + b" ").broken
    assert looked(exported + lines_of(exported)[-1]).broken


def test_a_blank_that_means_nothing_to_json_is_found(exported):
    for place in range(len(exported)):
        if exported[place : place + 1] in b',:{}[]"':
            assert looked(exported[:place] + b" " + exported[place:]).broken, place


def lines_of(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def places_of(content: bytes, kind: str) -> list[int]:
    return [n for n, line in enumerate(lines_of(content)) if orjson.loads(line)["kind"] == kind]


def test_each_entry_that_is_gone_is_found_and_named(exported):
    lines = lines_of(exported)
    for place in places_of(exported, "entry"):
        report = looked(b"".join(lines[:place] + lines[place + 1 :]))

        gone = orjson.loads(lines[place])
        assert report.broken, place
        if gone["n"] < CHAINS[gone["chain"]]:
            name = f"{gone['chain']}/{gone['n'] + 1}"
            assert report.broken[0] == f"{name}: expected {gone['chain']}/{gone['n']} in this place"


def test_neighbours_that_changed_places_are_found(exported):
    lines = lines_of(exported)
    for place in range(len(lines) - 1):
        swapped = [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]]

        assert looked(b"".join(swapped)).broken, place


def test_an_entry_that_comes_twice_is_found(exported):
    lines = lines_of(exported)
    for place in places_of(exported, "entry"):
        assert looked(b"".join([*lines[: place + 1], *lines[place:]])).broken, place


def test_a_tail_cut_off_at_any_line_is_found(exported):
    lines = lines_of(exported)
    for place in range(len(lines)):
        assert looked(b"".join(lines[:place])).broken, place


def test_a_chain_whose_end_is_gone_is_found_by_the_signed_heads_alone(exported):
    """Whoever cuts a chain can leave its hashes in order; the heads they cannot sign again."""
    lines = lines_of(exported)
    entries = [(n, orjson.loads(lines[n])) for n in places_of(exported, "entry")]
    for chain, count in CHAINS.items():
        for kept in range(count):
            cut = {n for n, one in entries if one["chain"] == chain and one["n"] > kept}
            report = looked(b"".join(line for n, line in enumerate(lines) if n not in cut))

            wanted = f"{chain}/{kept + 1}: is missing; the signed heads go on to {chain}/{count}"
            assert report.broken[0] == wanted


def test_an_entry_changed_with_all_hashes_after_it_is_found_by_the_signed_heads(exported):
    lines = lines_of(exported)
    first = next(n for n in places_of(exported, "entry"))
    previous, forged = b"", list(lines)
    for n in places_of(exported, "entry")[: CHAINS["settler"]]:
        said = orjson.loads(lines[n])
        kept = verify._entry(said)
        entry = audit.Entry(
            at=kept.entry.at, actor="eve" if n == first else kept.entry.actor, action="pause",
            object=kept.entry.object, reason="a test", origin=kept.entry.origin,
        )  # fmt: skip
        previous = audit.link(previous, kept.chain, kept.n, entry)
        one = verify.Kept(kept.chain, kept.n, entry, previous)
        forged[n] = orjson.dumps(as_line(one)) + b"\n"

    report = looked(b"".join(forged))

    assert report.broken[0] == "settler/5: is not the entry that was signed"


def test_an_export_made_with_a_key_of_ones_own_is_found_by_whoever_knows_the_hubs(
    filled, signer, tmp_path
):
    stranger = signing.load(tmp_path / "other.key", NOW)
    forged = written(filled, stranger)
    trusted = signing.keys_in(signer.lines)

    assert looked(forged).broken == []
    assert "not signed with any key that is trusted" in looked(forged, pinned=trusted).broken[0]
    assert looked(written(filled, signer), pinned=trusted).broken == []


def test_what_was_signed_earlier_and_kept_outside_shows_what_a_later_export_lacks(
    filled, signer, store
):
    kept = stamped(signer, heads(filled), NOW)
    trusted = signing.keys_in(signer.lines)
    past_the_guard(store)
    store.run("delete from audit where chain = 'worker' and n > 2")

    report = looked(written(store, signer), outside([kept], trusted, "heads"))

    assert report.broken == [
        "worker/4: was signed on 2026-02-25T06:13:20.000000Z, and is not there"
    ]


def past_the_guard(session):
    """As somebody who owns the database could."""
    if session.dialect == "sqlite":
        for verb in ("update", "delete"):
            session.run(f"drop trigger audit_refuses_{verb}")
    else:
        session.run("drop trigger audit_is_append_only on audit")


@pytest.fixture
def guarded(store):
    """The tests of one run share a PostgreSQL database: its guard is put back."""
    yield
    if store.dialect == "postgresql":
        store.run(
            "create or replace trigger audit_is_append_only before update or delete or truncate "
            "on audit for each statement execute function refuse_change()"
        )


pytestmark = pytest.mark.usefixtures("guarded")


def test_the_store_is_followed_and_the_first_broken_entry_is_named(filled):
    asked = outside([], {}, "heads")
    assert verify.store(filled, asked).broken == []

    past_the_guard(filled)
    filled.run("update audit set origin = '' where chain = 'settler' and n = 2")
    filled.run("update audit set reason = 'x' where chain = 'start' and n = 1")

    broken = verify.store(filled, outside([], {}, "heads")).broken
    assert [one.partition(":")[0] for one in broken] == ["settler/2", "start/1"]


def test_a_store_whose_tail_is_cut_is_found_by_what_is_kept_outside(filled, signer):
    trusted = signing.keys_in(signer.lines)
    lines = [stamped(signer, heads(filled), NOW)]
    past_the_guard(filled)
    for chain, count in CHAINS.items():
        filled.run("delete from audit where chain = ? and n = ?", (chain, count))

    report = verify.store(filled, outside(lines, trusted, "heads"))

    assert [one.partition(":")[0] for one in report.broken] == ["settler/5", "start/2", "worker/4"]
    assert verify.store(filled, Outside()).broken == []  # nothing inside shows it


def test_a_chain_that_was_written_anew_is_found_by_what_is_kept_outside(filled, signer):
    """With an entry changed and every hash after it worked out again, the chain alone is sound."""
    trusted = signing.keys_in(signer.lines)
    lines = [stamped(signer, heads(filled), NOW)]
    past_the_guard(filled)
    kept = [one for one in entries(filled) if one.chain == "worker"]
    filled.run("delete from audit where chain = 'worker'")
    forged = [replace(one.entry, actor="eve" if one.n == 2 else "ada") for one in kept]
    with filled.transaction():
        audit.append(filled, "worker", forged)

    report = verify.store(filled, outside(lines, trusted, "heads"))

    assert verify.store(filled, Outside()).broken == []
    assert report.broken == [
        "worker/4: it is not the entry that was signed on 2026-02-25T06:13:20.000000Z"
    ]


def test_lines_kept_outside_that_were_altered_or_taken_out_are_found(filled, signer):
    trusted = signing.keys_in(signer.lines)
    lines: list[bytes] = []
    for hour in range(3):
        before = lines[-1] if lines else b""
        lines.append(stamped(signer, heads(filled), NOW + hour * 3_600_000_000, before))

    assert outside(lines, trusted, "heads").faults == []
    assert outside([lines[0], lines[2]], trusted, "heads").faults == [
        "heads:2: the line before it is gone or altered"
    ]
    for line, place in itertools.product(range(3), range(0, len(lines[0]), 7)):
        altered = [bytearray(one) for one in lines]
        altered[line][place] ^= 1

        assert outside(map(bytes, altered), trusted, "heads").faults, (line, place)


def test_a_new_key_is_vouched_for_by_the_one_before_and_old_signatures_stay_good(
    filled, signer, tmp_path
):
    old = stamped(signer, heads(filled), NOW)
    after = signing.rotate(tmp_path / "audit.key", NOW + 1)
    trusted = signing.keys_in(after.lines)

    found = outside([old, stamped(after, heads(filled), NOW + 1, old)], trusted, "heads")

    assert (found.faults, found.lines) == ([], 2)
    assert list(trusted) == [signer.id, after.id]
    assert signer.private.private_bytes_raw().hex() not in (tmp_path / "audit.key").read_text()
    assert signing.load(tmp_path / "audit.key", NOW).id == after.id
    assert (tmp_path / "audit.key").stat().st_mode & 0o077 == 0


def test_a_key_that_nobody_vouched_for_is_no_key(signer, tmp_path):
    stranger = signing.load(tmp_path / "other.key", NOW)

    with pytest.raises(Altered, match="not known"):
        signing.keys_in([*signer.lines, signing._introduced(stranger, stranger, NOW)])


def test_the_trail_is_looked_through_newest_first(filled):
    from hub.audit.review import Wanted, find

    names = [one["entry"] for one in find(filled, Wanted(about="line 3", limit=5))]
    first = find(filled, Wanted(actor="ada", action="pause", since=NOW + 4, limit=500))

    assert names == ["settler/4", "worker/4"]
    assert [(one["entry"], one["origin"]) for one in first] == [("settler/5", "")]
    assert find(filled, Wanted(about="line %")) == []


def test_an_export_is_written_without_holding_it(store, signer):
    """Ten thousand entries pass a page at a time."""
    import tracemalloc

    entry = audit.Entry(at=NOW, actor="ada", action="pause", object="x" * 100, reason="y" * 300)
    for _ in range(10):
        with store.transaction():
            audit.append(store, "settler", [entry] * 1000)

    class Away(io.RawIOBase):
        def write(self, line):
            return len(line)

    tracemalloc.start()
    count = export(store, signer, Away(), NOW, {})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 10_000
    assert most < 8_000_000
