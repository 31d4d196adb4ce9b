"""MLLP framing: whatever way the bytes are cut, the messages are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.hl7v2.frame import FrameFault, Frames, framed

message = st.binary(max_size=40).filter(lambda b: b"\x0b" not in b and b"\x1c" not in b)


@given(st.lists(message, max_size=5), st.lists(st.integers(1, 60), max_size=20))
def test_however_the_bytes_are_cut_the_messages_are_the_same(messages, cuts):
    stream = b"\r\n".join(framed(one) for one in messages)
    frames, found, position = Frames(100), [], 0

    for size in [*cuts, len(stream)]:
        found += frames.feed(stream[position : position + size])
        position += size

    assert found == messages
    assert not frames.partial


def test_one_byte_at_a_time_is_one_message():
    frames = Frames(100)

    found = [m for i in framed(b"MSH|x\r") for m in frames.feed(bytes([i]))]

    assert found == [b"MSH|x\r"]


def test_the_end_may_be_split_between_its_two_bytes():
    frames = Frames(100)

    assert frames.feed(b"\x0bMSH\x1c") == []
    assert frames.partial
    assert frames.feed(b"\r\x0bnext\x1c\r") == [b"MSH", b"next"]


def test_a_separator_byte_alone_does_not_end_a_frame():
    assert Frames(100).feed(b"\x0ba\x1cb\x1c\r") == [b"a\x1cb"]


def test_an_empty_frame_is_an_empty_message():
    assert Frames(100).feed(b"\x0b\x1c\r") == [b""]


def test_a_frame_begun_again_drops_what_the_sender_gave_up():
    frames = Frames(100)

    assert frames.feed(b"\x0bMSH|half of") == []
    assert frames.feed(b"\x0bMSH|whole\x1c\r") == [b"MSH|whole"]


def test_bytes_outside_frames_are_passed_over_up_to_a_kilobyte():
    frames = Frames(100)

    assert frames.feed(b"\r\n" * 512 + b"\x0ba\x1c\r") == [b"a"]
    assert frames.feed(b"x" * 1024) == []
    with pytest.raises(FrameFault, match="outside a frame"):
        frames.feed(b"x")


@pytest.mark.parametrize("step", [1, 7, 300])
def test_a_frame_past_the_limit_is_refused_before_it_ends(step):
    frames = Frames(100)
    data = b"\x0b" + b"x" * 300
    pieces = [data[i : i + step] for i in range(0, len(data), step)]

    with pytest.raises(FrameFault, match="more than 100 bytes"):
        list(map(frames.feed, pieces))


def test_a_frame_of_just_the_limit_is_taken():
    assert Frames(100).feed(framed(b"x" * 100)) == [b"x" * 100]
    with pytest.raises(FrameFault):
        Frames(100).feed(framed(b"x" * 101))
