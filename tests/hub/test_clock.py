"""Time as the hub keeps it, and ids that sort by it."""

from __future__ import annotations

from uuid import UUID

from hub.clock import uuid7

AT = 1_772_000_000_000_000


def test_ids_of_one_moment_keep_the_order_in_which_they_were_made():
    made = [uuid7(AT) for _ in range(20_000)]

    assert made == sorted(set(made))


def test_ids_of_later_moments_sort_behind():
    made = [uuid7(AT + number * 1000) for number in range(1000)]

    assert made == sorted(made)


def test_an_id_is_a_uuid_of_version_7_that_says_its_millisecond():
    one = UUID(uuid7(AT))

    assert (one.version, one.variant) == (7, "specified in RFC 4122")
    assert one.int >> 80 == AT // 1000
