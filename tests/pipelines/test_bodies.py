"""Bodies come back byte for byte, one by one and many at once, and only from where they lay."""

from __future__ import annotations

import pytest

from hub import seal
from hub.seal import CannotOpen
from pipelines import bodies


@pytest.fixture
def keyring(tmp_path):
    return seal.load(tmp_path / "keys.json")


BODIES = [b"MSH|^~\\&|ADT1|" * 90, b"x", bytes(range(256)) * 3, b"MSH|^~\\&|ADT1|" * 90]


@pytest.mark.parametrize("some", [BODIES * 9, [*BODIES * 9, b""], BODIES, [b"", b""], []], ids=len)
def test_many_at_once_are_as_one_by_one(keyring, some):
    places = [b"message|ehr|%d" % n for n in range(len(some))]

    cells = bodies.pack_all(keyring, some, places)

    opened = [bodies.unpack(keyring, c, p) for c, p in zip(cells, places, strict=True)]
    assert opened == some
    alone = [bodies.pack(keyring, b, p) for b, p in zip(some, places, strict=True)]
    assert [len(cell) for cell in cells] == [len(cell) for cell in alone]
    assert len(set(cells)) == len(cells)  # equal bodies, other nonces


def test_a_body_among_many_opens_nowhere_else(keyring):
    one, other = bodies.pack_all(keyring, BODIES[:2], [b"message|ehr|1", b"message|ehr|2"])

    with pytest.raises(CannotOpen):
        bodies.unpack(keyring, one, b"message|ehr|2")
    assert bodies.unpack(keyring, other, b"message|ehr|2") == b"x"
