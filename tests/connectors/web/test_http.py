"""The shared HTTP client against a server on loopback."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import threading
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from connectors.auth import ApiKey, Basic, Bearer, ClientCredentials, TokenCache
from connectors.errors import Misconfigured, Refused, TryLater
from connectors.http import Ask, Http, HttpSettings
from connectors.http_policy import NoAnswer, StatusRefused
from connectors.world import World


@pytest.fixture
def http(clock):
    sessions = []

    def make(auth=None, tokens=None, **settings) -> Http:
        session = Http(HttpSettings(**settings), auth, world=clock.world, tokens=tokens)
        sessions.append(session)
        return session

    yield make
    for session in sessions:
        session.__exit__()


def test_an_answer_brings_status_headers_and_body(serve, reply, http):
    web = serve([reply(200, b"[1]", {"X-Mark": "a"})])

    answer = http().ask(Ask(url=web.url + "/list"))

    assert (answer.status, answer.body, answer.headers["x-mark"]) == (200, b"[1]", "a")


def test_a_server_error_is_tried_again(serve, reply, http, clock):
    web = serve([reply(500), reply(502), reply(200, b"ok")])

    answer = http().ask(Ask(url=web.url))

    assert answer.body == b"ok"
    assert clock.slept == [0.5, 1.0]  # half of 1 and of 2 seconds: full jitter


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_four_times_and_then_left_for_later(serve, reply, http, status):
    web = serve(lambda _: reply(status))

    with pytest.raises(TryLater):
        http().ask(Ask(url=web.url))

    assert len(web.asked) == 4


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 412, 422, 501])
def test_what_no_repetition_changes_is_refused_at_once(serve, reply, http, status):
    web = serve([reply(status, b"JANE DOE")])

    with pytest.raises(StatusRefused) as refused:
        http().ask(Ask(url=web.url))

    assert refused.value.status == status
    assert "JANE" not in str(refused.value)


def test_retry_after_in_seconds_is_respected_to_the_second(serve, reply, http, clock):
    web = serve([reply(429, headers={"Retry-After": "17"}), reply(200)])

    http().ask(Ask(url=web.url))

    assert clock.slept == [17.0]


def test_retry_after_as_a_date_is_measured_by_the_servers_clock(serve, reply, http, clock):
    headers = {
        "Date": "Sun, 01 Nov 2020 08:00:00 GMT",
        "Retry-After": "Sun, 01 Nov 2020 08:00:23 GMT",
    }
    web = serve([reply(503, headers=headers), reply(200)])

    http().ask(Ask(url=web.url))

    assert clock.slept == [23.0]


def test_a_date_far_away_is_an_hour(serve, reply, http):
    headers = {
        "Date": "Sun, 01 Nov 2020 08:00:00 GMT",
        "Retry-After": "Tue, 01 Dec 2020 08:00:00 GMT",
    }
    web = serve(lambda _: reply(503, headers=headers))

    with pytest.raises(TryLater) as later:
        http().ask(Ask(url=web.url))

    assert later.value.after == 3600


@pytest.mark.parametrize(
    ("said", "after"),
    [("900", 900.0), ("86400", 3600.0), ("9" * 400, 3600.0), ("soon", 0.0), ("-5", 0.0)],
)
def test_a_longer_wait_is_left_to_the_caller_and_is_an_hour_at_most(
    serve, reply, http, clock, said, after
):
    web = serve(lambda _: reply(429, headers={"Retry-After": said}))

    with pytest.raises(TryLater) as later:
        http().ask(Ask(url=web.url))

    assert later.value.after == after
    assert sum(clock.slept) < 60


def test_a_post_that_may_not_be_repeated_leaves_its_outcome_unknown(serve, reply, http):
    web = serve(lambda _: reply(500))

    with pytest.raises(NoAnswer):
        http().ask(Ask(url=web.url, method="POST", body=b"{}"))

    assert len(web.asked) == 1


def test_a_post_that_was_told_to_wait_has_done_nothing_and_is_sent_again(serve, reply, http):
    web = serve([reply(503), reply(201)])

    answer = http().ask(Ask(url=web.url, method="POST", body=b"{}"))

    assert answer.status == 201


def test_a_server_that_hangs_up_gives_no_answer(serve, http):
    web = serve(lambda _: None)

    with pytest.raises(NoAnswer):
        http(attempts=2).ask(Ask(url=web.url, repeatable=True))

    assert len(web.asked) >= 2


def test_a_server_that_is_not_there_is_asked_later(http):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = taken.getsockname()[1]

        with pytest.raises(TryLater) as later:
            http().ask(Ask(url=f"http://127.0.0.1:{port}/", method="POST"))

    assert not isinstance(later.value, NoAnswer)


def test_an_answer_of_a_gigabyte_is_cut_at_the_cap(serve, reply, http):
    sent = []

    def endless():
        for _ in range(1024):
            sent.append(1)
            yield b"x" * 1024 * 1024

    web = serve(lambda _: reply(200, endless()))

    with pytest.raises(Refused, match="16777216 bytes"):
        http().ask(Ask(url=web.url))

    assert len(sent) < 40


def test_an_announced_gigabyte_is_not_even_read(serve, reply, http):
    web = serve([reply(200, b"x", {"Content-Length": str(1 << 30)})])

    with pytest.raises(Refused, match="16777216 bytes"):
        http().ask(Ask(url=web.url))


def test_a_packed_bomb_goes_off_at_the_cap(serve, reply, http):
    pack = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = b"".join(pack.compress(b"\0" * 1_000_000) for _ in range(100)) + pack.flush()
    web = serve([reply(200, bomb, {"Content-Encoding": "gzip"})])

    with pytest.raises(Refused, match="1000000 bytes"):
        http(body_cap=1_000_000).ask(Ask(url=web.url))


def test_a_packed_answer_is_unpacked(serve, reply, http):
    text = b"0123456789" * 50_000
    web = serve([reply(200, gzip.compress(text), {"Content-Encoding": "gzip"})])

    assert http().ask(Ask(url=web.url)).body == text
    assert web.asked[0].headers["accept-encoding"] == "gzip"


def test_a_packed_answer_that_ends_early_is_no_answer(serve, reply, http):
    packed = gzip.compress(bytes(range(256)) * 1000)[:-20]
    web = serve(lambda _: reply(200, packed, {"Content-Encoding": "gzip"}))

    with pytest.raises(NoAnswer):
        http(attempts=1).ask(Ask(url=web.url))


@pytest.mark.parametrize(("packing", "body"), [("br", b"x"), ("gzip", b"not packed")])
def test_a_packing_that_is_not_what_we_asked_for_is_refused(serve, reply, http, packing, body):
    web = serve([reply(200, body, {"Content-Encoding": packing})])

    with pytest.raises(Refused, match="gzip"):
        http().ask(Ask(url=web.url))


def test_a_byte_now_and_then_is_no_answer(serve, reply, clock):
    looked, over = threading.Event(), threading.Event()

    def now():
        clock.at += timedelta(seconds=1)
        looked.set()
        return clock.at

    def dribble():
        for _ in range(100):
            yield b"x"
            looked.wait(5)  # until the client has taken it
            looked.clear()
            if over.is_set():
                return

    web = serve(lambda _: reply(200, dribble()))
    settings = HttpSettings(body_timeout=20, attempts=1)

    with (
        Http(settings, world=World(now=now, sleep=clock.sleep)) as http,
        pytest.raises(NoAnswer, match="within 20 s"),
    ):
        http.ask(Ask(url=web.url))
    over.set()
    looked.set()


def test_a_redirect_on_the_same_origin_is_followed(serve, reply, http):
    web = serve([reply(302, headers={"Location": "/there?x=1"}), reply(200, b"ok")])

    answer = http().ask(Ask(url=web.url + "/here", params=(("secret", "1"),)))

    assert answer.body == b"ok"
    assert web.asked[1].target == "/there?x=1"


def test_a_redirect_to_another_origin_is_refused_with_both_named(serve, reply, http):
    other = serve(lambda _: reply(200))
    web = serve([reply(302, headers={"Location": other.url + "/?token=abc"})])

    with pytest.raises(Refused) as refused:
        http().ask(Ask(url=web.url))

    assert web.url in str(refused.value)
    assert other.url in str(refused.value)
    assert "abc" not in str(refused.value)
    assert other.asked == []


@pytest.mark.parametrize(
    "trick",
    ["http://127.0.0.1:{port}@example.org/", "//example.org/", "http://127.0.0.1:{port}0/"],
)
def test_an_origin_is_not_matched_by_its_beginning(serve, reply, http, trick):
    web = serve(lambda _: reply(302, headers={"Location": trick.format(port=web.url[-5:])}))

    with pytest.raises(Refused, match=r"origin|address"):
        http().ask(Ask(url=web.url))

    assert len(web.asked) == 1


def test_a_redirect_in_a_circle_is_refused(serve, reply, http):
    web = serve(lambda _: reply(307, headers={"Location": "/again"}))

    with pytest.raises(Refused, match="more than 5 times"):
        http().ask(Ask(url=web.url))


def test_a_redirected_post_is_refused(serve, reply, http):
    web = serve([reply(307, headers={"Location": "/there"})])

    with pytest.raises(Refused, match="redirect"):
        http().ask(Ask(url=web.url, method="POST", body=b"{}"))

    assert len(web.asked) == 1


def test_a_trusted_authority_is_believed(serve, reply, http, certificate):
    context, pem = certificate(ends=datetime.now(UTC) + timedelta(days=1))
    web = serve([reply(200, b"ok")], context)

    assert http(ca_file=pem).ask(Ask(url=web.url)).body == b"ok"


def test_an_unknown_certificate_stops_the_connection(serve, reply, http, certificate, clock):
    context, _ = certificate(ends=datetime.now(UTC) + timedelta(days=1))
    web = serve([reply(200)], context)

    with pytest.raises(Misconfigured, match="TLS"):
        http().ask(Ask(url=web.url))

    assert clock.slept == []


def test_an_expired_certificate_stops_the_connection(serve, reply, http, certificate):
    context, pem = certificate(ends=datetime.now(UTC) - timedelta(days=1))
    web = serve([reply(200)], context)

    with pytest.raises(Misconfigured, match="expired"):
        http(ca_file=pem).ask(Ask(url=web.url))


def test_a_server_without_tls_behind_an_https_address_stops_the_connection(serve, reply, http):
    web = serve(lambda _: reply(200))

    with pytest.raises(Misconfigured, match="TLS"):
        http().ask(Ask(url=web.url.replace("http:", "https:")))


def test_a_server_that_wants_a_certificate_of_ours_gets_it(
    serve, reply, http, certificate, tmp_path
):
    context, pem = certificate(ends=datetime.now(UTC) + timedelta(days=1))
    context.load_verify_locations(pem)
    context.verify_mode = ssl.CERT_REQUIRED
    web = serve(lambda _: reply(200, b"ok"), context)
    ours = str(tmp_path / "server.pem")

    answer = http(ca_file=pem, client_cert_file=ours).ask(Ask(url=web.url))

    assert answer.body == b"ok"
    with pytest.raises(Misconfigured, match="TLS"):
        http(ca_file=pem).ask(Ask(url=web.url))


def test_a_missing_authority_file_is_named():
    with pytest.raises(Misconfigured, match=r"gone\.pem"):
        Http(HttpSettings(ca_file="gone.pem"))


def test_user_and_password_travel_as_rfc_7617_says(serve, reply, http, monkeypatch):
    monkeypatch.setenv("PW", "open sesame")
    web = serve([reply(200)])

    http(Basic(kind="basic", user="Aladdin", password="${env:PW}")).ask(Ask(url=web.url))

    assert web.asked[0].headers["authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_a_key_travels_in_its_header(serve, reply, http, monkeypatch):
    monkeypatch.setenv("KEY", "k1")
    web = serve([reply(200)])

    auth = ApiKey(kind="api_key", header="X-Vendor", prefix="Key ", key="${env:KEY}")
    http(auth).ask(Ask(url=web.url))

    assert web.asked[0].headers["x-vendor"] == "Key k1"


def test_a_secret_never_travels_without_tls_off_this_machine(http, monkeypatch):
    monkeypatch.setenv("KEY", "k1")

    with pytest.raises(Misconfigured, match="without TLS"):
        http(Bearer(kind="bearer", token="${env:KEY}")).ask(Ask(url="http://ehr.invalid/"))


def test_a_secret_that_is_no_header_is_not_quoted(serve, reply, http, monkeypatch):
    monkeypatch.setenv("KEY", "top\nsecret")
    web = serve([reply(200)])

    with pytest.raises(Misconfigured) as wrong:
        http(Bearer(kind="bearer", token="${env:KEY}")).ask(Ask(url=web.url))

    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize("status", [401, 403])
def test_being_turned_away_is_for_a_person(serve, reply, http, status, monkeypatch):
    monkeypatch.setenv("KEY", "k1")
    web = serve(lambda _: reply(status))

    with pytest.raises(Misconfigured, match="auth"):
        http(Bearer(kind="bearer", token="${env:KEY}")).ask(Ask(url=web.url))

    assert len(web.asked) == 1


@pytest.fixture
def machine(monkeypatch):
    monkeypatch.setenv("SECRET", "s3&cr=t")

    def make(url: str, **more) -> ClientCredentials:
        return ClientCredentials(
            kind="oauth2",
            token_url=url + "/token",
            client_id="hub 1",
            client_secret="${env:SECRET}",
            **more,
        )

    return make


class _Identity:
    """A token endpoint and what it guards."""

    def __init__(self, reply, lasts: int = 3600) -> None:
        self.reply, self.lasts, self.made, self.accepted = reply, lasts, 0, ""

    def __call__(self, asked):
        if asked.path == "/token":
            self.made += 1
            self.accepted = f"t{self.made}"
            text = f'{{"access_token": "{self.accepted}", "expires_in": {self.lasts}}}'
            return self.reply(200, text.encode())
        known = asked.headers["authorization"] == f"Bearer {self.accepted}"
        return self.reply(200 if known else 401)


def test_a_token_is_asked_for_once_and_used_again(serve, reply, http, machine):
    identity = _Identity(reply)
    web = serve(identity)
    session = http(machine(web.url))

    session.ask(Ask(url=web.url + "/a"))
    session.ask(Ask(url=web.url + "/b"))

    assert identity.made == 1
    assert web.asked[0].body == b"grant_type=client_credentials"
    assert web.asked[0].headers["authorization"].startswith("Basic ")


def test_a_token_is_renewed_a_minute_before_it_ends(serve, reply, http, machine, clock):
    identity = _Identity(reply, lasts=600)
    web = serve(identity)
    session = http(machine(web.url))

    session.ask(Ask(url=web.url + "/a"))
    clock.at += timedelta(seconds=539)
    session.ask(Ask(url=web.url + "/a"))
    made_early = identity.made
    clock.at += timedelta(seconds=2)
    session.ask(Ask(url=web.url + "/a"))

    assert (made_early, identity.made) == (1, 2)


def test_a_token_that_was_revoked_is_renewed_once(serve, reply, http, machine, clock):
    identity = _Identity(reply)
    web = serve(identity)
    tokens = TokenCache("revoked", clock.at + timedelta(hours=1))

    answer = http(machine(web.url), tokens=tokens).ask(Ask(url=web.url + "/a"))

    assert answer.status == 200
    assert [asked.path for asked in web.asked] == ["/a", "/token", "/a"]


def test_a_new_token_that_is_refused_too_is_for_a_person(serve, reply, http, machine):
    token = b'{"access_token": "t", "expires_in": 60}'
    web = serve(lambda asked: reply(200, token) if asked.path == "/token" else reply(401))

    with pytest.raises(Misconfigured, match="does not know us"):
        http(machine(web.url)).ask(Ask(url=web.url + "/a"))

    assert [asked.path for asked in web.asked] == ["/token", "/a", "/token", "/a"]


def test_wrong_credentials_are_told_by_their_code_only(serve, reply, http, machine):
    body = b'{"error": "invalid_client", "error_description": "s3cret is wrong"}'
    web = serve(lambda _: reply(400, body))

    with pytest.raises(Misconfigured, match="invalid_client") as wrong:
        http(machine(web.url)).ask(Ask(url=web.url))

    assert "s3cret" not in str(wrong.value)


def test_a_token_endpoint_that_is_down_is_asked_again(serve, reply, http, machine):
    token = reply(200, b'{"access_token": "t"}')
    web = serve([reply(503), token, reply(200, b"ok")])

    assert http(machine(web.url)).ask(Ask(url=web.url + "/a")).body == b"ok"


def test_some_endpoints_want_the_secret_as_json(serve, reply, http, machine):
    web = serve([reply(200, b'{"access_token": "t"}'), reply(200)])

    http(machine(web.url, sends="json", scope="system/*.rs")).ask(Ask(url=web.url))

    assert b'"client_secret": "s3&cr=t"' in web.asked[0].body
    assert b'"scope": "system/*.rs"' in web.asked[0].body


def test_lines_come_one_by_one_however_the_pieces_fall(serve, reply, http):
    pieces = [b'{"a":', b'1}\n{"b"', b":2}\r\n\n", b'{"c":3}']
    web = serve(lambda _: reply(200, iter(pieces)))

    lines = list(http().lines(Ask(url=web.url)))

    assert lines == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


def test_more_lines_than_the_cap_pass_but_no_longer_line(serve, reply, http):
    web = serve(lambda asked: reply(200, (b"x\n" * 5000) if asked.path == "/" else b"y" * 5000))
    session = http(body_cap=1000)

    count = sum(1 for _ in session.lines(Ask(url=web.url + "/")))

    assert count == 5000
    with pytest.raises(Refused, match="1000 bytes"):
        list(session.lines(Ask(url=web.url + "/long")))


def test_lines_that_are_refused_raise_by_status(serve, reply, http):
    web = serve([reply(404)])

    with pytest.raises(StatusRefused):
        list(http().lines(Ask(url=web.url)))


def test_neither_queries_nor_bodies_reach_a_log_or_a_message(serve, reply, http, caplog):
    caplog.set_level(logging.DEBUG)
    web = serve(lambda _: reply(422, b"ZZPHI-body", {"X-Said": "ZZPHI-header"}))

    with pytest.raises(Refused) as refused:
        http().ask(Ask(url=web.url + "/p", params=(("name", "ZZPHI-query"),)))

    assert "ZZPHI" not in caplog.text + str(refused.value)
    assert f"GET {web.url}/p" in str(refused.value)
