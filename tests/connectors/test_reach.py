"""An address that somebody gave leads to no place of our own, however it is written."""

from __future__ import annotations

import socket

import pytest

from connectors import reach as reaching
from connectors.errors import Misconfigured, TryLater
from connectors.reach import Reach, is_public
from connectors.record import Delivery
from connectors.webhook.subscriber import Subscriber


@pytest.fixture
def names(monkeypatch):
    """What names resolve to: each look takes the next answer, the last stays."""
    known = {}
    real = socket.getaddrinfo

    def resolve(host, port, **given):
        answers = known.get(host)
        if answers is None:
            return real(host, port, flags=socket.AI_NUMERICHOST, **given)
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(2, 1, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(reaching.socket, "getaddrinfo", resolve)
    return known


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fc00::1", "::",  # noqa: S104 - nothing is bound
        "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "ff02::1", "198.18.0.1",
    ],
)  # fmt: skip
def test_what_is_not_of_the_internet_is_known(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_what_is_of_the_internet_is_known(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://2130706433/x", "https://0x7f000001/x", "https://127.1/x",
        "https://[::1]/x", "https://[::ffff:127.0.0.1]/x", "https://inside.example/x",
        "https://half.example/x", "https://public.example:22/x", "http://public.example/x",
    ],
)  # fmt: skip
def test_an_address_inside_is_refused_however_it_is_written(names, url):
    names |= {
        "inside.example": [["10.0.0.7"]],
        "half.example": [["93.184.216.34", "10.0.0.7"]],
        "public.example": [["93.184.216.34"]],
    }

    with pytest.raises(Misconfigured, match="CROHUB-SSRF"):
        Reach().check(url)


def test_what_is_allowed_and_what_is_public_may_be_called(names):
    names |= {"public.example": [["93.184.216.34"]], "sink.inside": [["10.0.0.7"]]}
    by_name, by_network = Reach(allow=("sink.inside",)), Reach(allow=("10.0.0.0/8",), plain=True)

    Reach().check("https://public.example/x")
    Reach().check("https://public.example:8443/x")
    by_name.check("https://sink.inside/x")
    by_network.check("http://sink.inside/x")
    with pytest.raises(Misconfigured, match="in the clear"):
        by_network.check("http://public.example/x")
    with pytest.raises(TryLater):
        Reach().check("https://nobody.example/x")


def test_a_name_that_means_something_else_a_moment_later_is_not_followed(names):
    """DNS rebinding: judged as public, then resolved to a place inside when it is called."""
    inside = socket.create_server(("127.0.0.1", 0))
    port = inside.getsockname()[1]
    names["rebinds.example"] = [["93.184.216.34"], ["127.0.0.1"]]
    target = Subscriber(f"https://rebinds.example:{port}/x", (b"k" * 32,), Reach())

    with pytest.raises(Misconfigured, match="CROHUB-SSRF"):
        target.push([Delivery(id="1", stream="event", body=b"{}", media="application/json")])

    inside.settimeout(0.1)
    with pytest.raises(TimeoutError):
        inside.accept()
    inside.close()
