"""Blind indexes are HMAC-SHA-256, however quickly they are made."""

from __future__ import annotations

import hmac
import os

import pytest

from hub.seal import Keyring


@pytest.mark.parametrize("size", [16, 32, 64, 65, 200])
@pytest.mark.parametrize("text", ["", "key|Participant|ehr|1", "Ünïcode", "long" * 100])
def test_a_digest_is_the_start_of_the_hmac_of_its_text(size, text):
    key = os.urandom(size)

    assert Keyring(1, {}, key).digest(text) == hmac.digest(key, text.encode(), "sha256")[:16]
