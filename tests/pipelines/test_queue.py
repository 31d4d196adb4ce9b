"""Workers take messages in order; who was too slow does not count."""

from __future__ import annotations

import pytest

from pipelines.queue import LEASE, PARTS, Fenced, Queue

NOW = 1_772_000_000_000_000


def view(house, name):
    queue = Queue(house.session(), house._kept(house.places.hub()), name)
    queue.prepare()
    return queue


@pytest.fixture
def worker(house):
    """Makes workers that have leased what they could."""

    def make(name="one", at=NOW):
        queue = view(house, name)
        queue.lease(at)
        return queue

    return make


@pytest.fixture
def worker_of(big_house):
    """Makes workers that have leased nothing yet, on PostgreSQL."""
    return lambda name: view(big_house, name)


def seqs(works):
    return [work.seq for work in works]


def finish(queue, works):
    with queue.hub.transaction():
        queue.advance(works)
    queue.advanced(works)


def test_every_partition_has_its_row_once(house, worker):
    worker("one")
    worker("two")

    rows = house.rows("select part from progress order by part")
    assert [part for (part,) in rows] == list(range(PARTS[house.hub.dialect]))


def test_messages_of_a_partition_come_in_the_order_of_their_numbers(house, worker, adt):
    house.keep(*(adt(f"P{n % 7}", n) for n in range(50)))
    queue = worker()

    found = queue.next(1000)

    assert len(found) == 50
    for part in range(PARTS[house.hub.dialect]):
        own = [work.seq for work in found if work.part == part]
        assert own == sorted(own)


def test_what_was_fetched_is_not_fetched_again_until_settling_starts_anew(house, worker, adt):
    house.keep(*(adt("A", n) for n in range(10)))
    queue = worker()
    first, second = queue.next(4), queue.next(4)

    queue.refetch()

    assert not set(seqs(first)) & set(seqs(second))
    assert seqs(queue.next(4)) == seqs(first)


def test_progress_is_where_the_next_worker_begins(house, worker, adt):
    house.keep(*(adt("A", n) for n in range(10)))
    queue = worker()
    done = queue.next(4)
    finish(queue, done)
    queue.next(3)  # fetched, never settled

    successor = worker("two", NOW + LEASE + 1)

    assert seqs(successor.next(100))[0] == seqs(done)[-1] + 1
    assert len(seqs(worker("two", NOW + LEASE + 2).next(100))) == 6


def test_progress_that_is_rolled_back_has_not_happened(house, worker, adt):
    house.keep(*(adt("A", n) for n in range(5)))
    queue = worker()
    works = queue.next(5)

    def rolled_back():
        with queue.hub.transaction():
            queue.advance(works)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError):
        rolled_back()
    queue.refetch()

    assert seqs(queue.next(5)) == seqs(works)


def test_a_worker_that_lost_its_lease_is_fenced_off(house, worker, adt):
    house.keep(*(adt("A", n) for n in range(5)))
    slow = worker("slow")
    works = slow.next(5)
    quick = worker("quick", NOW + LEASE + 1)
    finish(quick, quick.next(5))

    def finish_late():
        with slow.hub.transaction():
            slow.hub.run("insert into held(digest, seq) values(?, ?)", (b"effect", 1))
            slow.advance(works)

    with pytest.raises(Fenced):
        finish_late()

    assert house.rows("select * from held") == []  # the slow one's effects did not count
    [(upto,)] = house.rows("select max(upto) from progress")
    assert upto == seqs(works)[-1]


def test_a_lease_that_still_runs_is_respected(small_house):
    first, second = view(small_house, "one"), view(small_house, "two")
    first.lease(NOW)
    second.lease(NOW + LEASE - 1)

    assert (len(first.parts), len(second.parts)) == (1, 0)


def test_a_worker_that_lost_a_partition_learns_it_when_it_renews(house, worker):
    slow = worker("slow")
    worker("quick", NOW + LEASE + 1)

    slow.lease(NOW + LEASE + 2)

    assert slow.parts == {}


@pytest.mark.parametrize(("workers", "shares"), [(2, [8, 8]), (3, [4, 6, 6])])
def test_who_comes_later_gets_a_share_of_a_busy_cluster(big_house, worker_of, workers, shares):
    queues = [worker_of(str(number)) for number in range(workers)]
    for turn in range(2 * workers):
        for queue in queues:
            queue.lease(NOW + turn)

    owned = [set(queue.parts) for queue in queues]
    assert sorted(len(parts) for parts in owned) == shares
    assert len(set.union(*owned)) == PARTS["postgresql"]


def test_who_lost_partitions_to_a_newcomer_cannot_finish_what_it_had_fetched(
    big_house, worker_of, adt
):
    big_house.keep(*(adt(f"P{n}", n) for n in range(40)))
    one, two = worker_of("one"), worker_of("two")
    one.lease(NOW)
    works = one.next(100)
    two.lease(NOW + 1)

    with pytest.raises(Fenced):
        finish(one, works)
    assert len(two.next(100)) > 0
