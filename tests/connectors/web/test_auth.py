"""Signing in against servers on loopback: signed assertions, sessions, tokens of writes."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from joserfc import jwk, jwt
from pydantic import TypeAdapter, ValidationError

from connectors.auth import Auth, TokenCache
from connectors.errors import Misconfigured, TryLater
from connectors.fhir import Fhir
from connectors.http import Ask, Http, HttpSettings
from connectors.http_policy import StatusRefused


@pytest.fixture
def http(clock):
    sessions = []

    def make(auth: dict, tokens=None, **settings) -> Http:
        way = TypeAdapter(Auth).validate_python(auth)
        session = Http(HttpSettings(**settings), way, world=clock.world, tokens=tokens)
        sessions.append(session)
        return session

    yield make
    for session in sessions:
        session.__exit__()


# -- SMART Backend Services


@pytest.fixture(scope="module")
def keys():
    return {"RS384": jwk.RSAKey.generate_key(2048), "ES384": jwk.ECKey.generate_key("P-384")}


class TokenMaker:
    """A FHIR server with its own token endpoint, which checks assertions as a real one does."""

    def __init__(self, reply, key, clock) -> None:
        self.reply, self.key, self.clock = reply, key, clock
        self.endpoint, self.url, self.known = "", "", ["RS384", "ES384"]
        self.made, self.valid, self.seen, self.headers = 0, set(), set(), []

    def __call__(self, asked):
        if asked.path == "/fhir/.well-known/smart-configuration":
            return self._json({
                "token_endpoint": self.endpoint,
                "token_endpoint_auth_signing_alg_values_supported": self.known,
            })  # fmt: skip
        if asked.path == "/token":
            return self._token(parse_qs(asked.body.decode()))
        good = asked.headers.get("authorization", "").removeprefix("Bearer ") in self.valid
        return self.reply(200 if good else 401, b"{}")

    def _token(self, form):
        token = jwt.decode(form["client_assertion"][0], self.key, algorithms=self.known)
        claims = token.claims
        assert form["grant_type"] == ["client_credentials"]
        assert form["client_assertion_type"][0].endswith(":client-assertion-type:jwt-bearer")
        assert claims["iss"] == claims["sub"] == "hub"
        assert claims["aud"] == self.endpoint
        assert 0 < claims["exp"] - self.clock.at.timestamp() <= 300
        if claims["jti"] in self.seen:
            return self.reply(400, b'{"error": "invalid_grant"}')
        self.seen.add(claims["jti"])
        self.headers.append(token.header)
        self.made += 1
        self.valid = {f"t-{self.made}"}
        return self._json({"access_token": f"t-{self.made}", "expires_in": 300})

    def _json(self, said):
        return self.reply(200, json.dumps(said).encode())


@pytest.fixture
def maker(serve, reply, keys, clock):
    def start(algorithm="RS384"):
        made = TokenMaker(reply, keys[algorithm], clock)
        web = serve(made)
        made.url, made.endpoint, made.asked = web.url, f"{web.url}/token", web.asked
        return made

    return start


@pytest.fixture
def smart(keys, monkeypatch):
    def make(maker, algorithm="RS384", form="pem", **more):
        key = keys[algorithm]
        text = (
            key.as_pem(private=True).decode()
            if form == "pem"
            else json.dumps(key.as_dict(private=True))
        )
        monkeypatch.setenv("SMART_KEY", text)
        named = {"kind": "smart", "client_id": "hub", "key_id": "k1", "algorithm": algorithm}
        return named | {"private_key": "${env:SMART_KEY}", "issuer": f"{maker.url}/fhir"} | more

    return make


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_an_assertion_of_our_own_key_is_traded_for_a_token(http, maker, smart, algorithm, form):
    server = maker(algorithm)

    session = http(smart(server, algorithm, form))
    for _ in range(2):
        session.ask(Ask(url=server.url + "/fhir/Patient"))

    assert server.made == 1
    assert server.headers == [{"alg": algorithm, "kid": "k1", "typ": "JWT"}]


def test_a_set_token_url_is_taken_and_nothing_is_discovered(http, maker, smart):
    server = maker()

    auth = smart(server, token_url=server.endpoint)
    http(auth).ask(Ask(url=server.url + "/fhir/Patient"))

    assert [asked.path for asked in server.asked] == ["/token", "/fhir/Patient"]


def test_every_assertion_is_another_and_a_token_is_renewed_a_minute_early(
    http, maker, smart, clock
):
    server = maker()
    session = http(smart(server))

    for seconds in (0, 239, 2):
        clock.at += timedelta(seconds=seconds)
        session.ask(Ask(url=server.url + "/fhir/Patient"))

    assert server.made == len(server.seen) == 2


def test_a_revoked_token_is_renewed_once_in_the_middle_of_a_run(http, maker, smart):
    server = maker()
    session = http(smart(server))
    session.ask(Ask(url=server.url + "/fhir/Patient"))
    server.valid.clear()

    answer = session.ask(Ask(url=server.url + "/fhir/Patient"))

    assert (answer.status, server.made) == (200, 2)


def test_lines_sign_in_anew_as_well(http, maker, smart, clock):
    server = maker()
    tokens = TokenCache("revoked", clock.at + timedelta(hours=1))

    lines = list(http(smart(server), tokens).lines(Ask(url=server.url + "/fhir/file")))

    assert (lines, server.made) == ([b"{}"], 1)


def test_a_token_endpoint_elsewhere_must_be_set_by_a_person(http, maker, smart, serve, reply):
    other, server = serve(lambda _: reply(200)), maker()
    server.endpoint = f"{other.url}/token"

    with pytest.raises(Misconfigured, match=r"set `auth\.token_url`"):
        http(smart(server)).ask(Ask(url=server.url + "/fhir/Patient"))

    assert other.asked == []


def test_an_algorithm_the_server_does_not_take_is_told(http, maker, smart):
    server = maker()
    server.known = ["ES384"]

    with pytest.raises(Misconfigured, match=r"takes ES384, `auth\.algorithm` is RS384"):
        http(smart(server)).ask(Ask(url=server.url + "/fhir/Patient"))


def test_a_fhir_connection_is_its_own_issuer(maker, smart, clock):
    server = maker()
    auth = smart(server)
    del auth["issuer"]

    fhir = Fhir.model_validate({"base_url": f"{server.url}/fhir", "auth": auth})
    health = fhir.within(clock.world).check()

    assert server.asked[0].path == "/fhir/.well-known/smart-configuration"
    assert server.made == 1
    assert "no CapabilityStatement" in health.detail


@pytest.mark.parametrize(
    "text", ["-----BEGIN PRIVATE KEY-----\nZZKEY\n", '{"kty": "ZZKEY"', "ZZKEY"]
)
def test_a_key_that_is_none_is_not_quoted(http, maker, smart, monkeypatch, text, caplog):
    server, auth = maker(), smart(maker())
    monkeypatch.setenv("SMART_KEY", text)
    caplog.set_level(logging.DEBUG)

    with pytest.raises(Misconfigured, match="expected PEM or a JWK") as wrong:
        http(auth | {"issuer": f"{server.url}/fhir"}).ask(Ask(url=server.url + "/fhir/Patient"))

    assert "ZZKEY" not in str(wrong.value) + caplog.text
    assert wrong.value.__suppress_context__


def test_a_public_key_signs_nothing(http, maker, smart, keys, monkeypatch):
    server = maker()
    auth = smart(server)
    monkeypatch.setenv("SMART_KEY", keys["RS384"].as_pem(private=False).decode())

    with pytest.raises(Misconfigured, match="private_key"):
        http(auth).ask(Ask(url=server.url + "/fhir/Patient"))


def test_the_words_of_a_token_endpoint_are_told_by_their_code(http, maker, smart, serve, reply):
    web = serve(lambda _: reply(400, b'{"error": "invalid_scope", "error_description": "ZZ"}'))

    with pytest.raises(Misconfigured, match="invalid_scope") as wrong:
        http(smart(maker(), token_url=f"{web.url}/token")).ask(Ask(url=web.url))

    assert "ZZ" not in str(wrong.value)


# -- sessions


class Vault:
    """Logs in by form and says with HTTP 200 that a session has ended."""

    def __init__(self, reply) -> None:
        self.reply, self.logins, self.open, self.words = reply, 0, "", "wrong user or password"
        self.vault, self.status = 7, 200

    def __call__(self, asked):
        if asked.path == "/api/auth":
            return self._login(parse_qs(asked.body.decode()))
        if asked.headers.get("authorization") == self.open:
            return self._say({"responseStatus": "SUCCESS"})
        return self._failure("INVALID_SESSION_ID", "no such session", self.status)

    def _login(self, form):
        if form.get("password") != ["open sesame&"]:
            return self._failure("USERNAME_OR_PASSWORD_INCORRECT", self.words)
        self.logins += 1
        self.open = f"session-{self.logins}"
        return self._say({
            "responseStatus": "SUCCESS", "sessionId": self.open, "vaultId": self.vault,
        })  # fmt: skip

    def _failure(self, kind, words, status=200):
        said = {"responseStatus": "FAILURE", "errors": [{"type": kind, "message": words}]}
        return self._say(said, status)

    def _say(self, said, status=200):
        return self.reply(status, json.dumps(said).encode())


@pytest.fixture
def vault(serve, reply):
    made = Vault(reply)
    web = serve(made)
    made.url, made.asked = web.url, web.asked
    return made


@pytest.fixture
def login(vault, monkeypatch):
    def make(said="open sesame&", **more):
        monkeypatch.setenv("VAULT_PW", said)
        named = {"kind": "session", "login_url": f"{vault.url}/api/auth", "user": "hub"}
        return named | {"password": "${env:VAULT_PW}"} | more

    return make


def test_a_session_is_opened_once_and_travels_in_its_header(http, vault, login):
    session = http(login(fields={"vaultDNS": "x"}))

    for _ in range(2):
        session.ask(Ask(url=vault.url + "/objects"))

    assert vault.logins == 1
    assert parse_qs(vault.asked[0].body.decode())["vaultDNS"] == ["x"]
    assert vault.asked[2].headers["authorization"] == "session-1"


@pytest.mark.parametrize("status", [200, 401])
def test_a_session_that_ended_is_renewed_once(http, vault, login, status):
    vault.status = status
    session = http(login())
    session.ask(Ask(url=vault.url + "/objects"))
    vault.open = "ended"

    answer = session.ask(Ask(url=vault.url + "/objects"))

    assert b"SUCCESS" in answer.body
    assert vault.logins == 2


def test_a_write_that_met_an_ended_session_is_said_again(http, vault, login):
    session = http(login())
    session.ask(Ask(url=vault.url + "/objects"))
    vault.open = "ended"

    answer = session.ask(Ask(url=vault.url + "/objects", method="POST", body=b"{}"))

    assert b"SUCCESS" in answer.body


@pytest.mark.parametrize("status", [200, 401])
def test_a_new_session_that_is_refused_too_is_for_a_person(http, vault, login, status):
    vault.status = status
    session = http(login(prefix="Nobody knows "))

    with pytest.raises(Misconfigured, match="auth"):
        session.ask(Ask(url=vault.url + "/objects"))

    assert vault.logins == 2


def test_a_session_is_renewed_before_it_idles_out(http, vault, login, clock):
    session = http(login(lasts=600))

    for seconds in (0, 530, 20):
        clock.at += timedelta(seconds=seconds)
        session.ask(Ask(url=vault.url + "/objects"))

    assert vault.logins == 2


def test_a_wrong_password_is_told_in_the_systems_words_without_the_password(
    http, vault, login, caplog
):
    caplog.set_level(logging.DEBUG)
    vault.words = "user hub may not come in with 'se same&' nor se+same%26"

    with pytest.raises(Misconfigured, match="USERNAME_OR_PASSWORD_INCORRECT: user hub") as wrong:
        http(login("se same&")).ask(Ask(url=vault.url + "/objects"))

    assert "se same&" not in str(wrong.value) + caplog.text
    assert "se+same%26" not in str(wrong.value)
    assert len(vault.asked) == 1


def test_a_login_that_landed_in_another_vault_is_told(http, vault, login):
    vault.vault = 8

    with pytest.raises(Misconfigured, match="vaultId is '8', expected '7'"):
        http(login(expects={"vaultId": "7"})).ask(Ask(url=vault.url + "/objects"))


def test_a_system_that_counts_logins_is_given_its_time(http, serve, reply, login, clock):
    said = {"responseStatus": "FAILURE", "errors": [{"type": "API_LIMIT_EXCEEDED"}]}
    web = serve(lambda _: reply(200, json.dumps(said).encode()))

    with pytest.raises(TryLater) as later:
        http(login(login_url=f"{web.url}/api/auth"), patience=50).ask(Ask(url=web.url))

    assert later.value.after == 60


def test_another_systems_login_is_the_same_by_settings(http, serve, reply, login):
    def answer(asked):
        if asked.path == "/login":
            assert json.loads(asked.body) == {"u": "hub", "p": "open sesame&"}
            return reply(200, b'{"data": [{"sid": "s1"}]}')
        return reply(200 if asked.headers.get("x-session") == "id s1" else 403)

    web = serve(answer)
    auth = login(login_url=f"{web.url}/login", user_field="u", password_field="p", sends="json")
    auth |= {"session": "data.0.sid", "header": "X-Session", "prefix": "id "}

    assert http(auth).ask(Ask(url=web.url + "/x")).status == 200


# -- the token of a write


class Gateway:
    """Takes a write only with the token and the cookies that belong to it."""

    def __init__(self, reply) -> None:
        self.reply, self.fetched, self.token = reply, 0, ""

    def __call__(self, asked):
        if asked.headers.get("authorization") != "Basic aHViOnNlY3JldA==":
            return self.reply(401)
        if asked.method == "GET":
            return self._read(asked)
        good = asked.headers.get("x-csrf-token") == self.token
        good = good and f"SAP_SESSIONID={self.token}" in asked.headers.get("cookie", "")
        if self.token and good:
            return self.reply(201, b"{}")
        return self.reply(403, b"CSRF token validation failed", {"x-csrf-token": "Required"})

    def _read(self, asked):
        if asked.headers.get("x-csrf-token", "").lower() != "fetch":
            return self.reply(200, b"{}")
        self.fetched += 1
        self.token = f"csrf-{self.fetched}"
        cookie = f"SAP_SESSIONID={self.token}; path=/; expires=Tue, 01 Dec 2099 00:00:00 GMT"
        return self.reply(200, b"{}", {"x-csrf-token": self.token, "Set-Cookie": cookie})


@pytest.fixture
def gateway(serve, reply):
    made = Gateway(reply)
    web = serve(made)
    made.url, made.asked = f"{web.url}/sap/SRV", web.asked
    return made


@pytest.fixture
def csrf(gateway, monkeypatch):
    monkeypatch.setenv("SAP_PW", "secret")
    signs = {"kind": "basic", "user": "hub", "password": "${env:SAP_PW}"}
    return {"kind": "csrf", "fetch_url": gateway.url, "signs": signs}


def _write(url, **more):
    return Ask(url=f"{url}/Set", method="POST", body=b"{}", **more)


def test_a_write_bears_token_and_cookie_and_a_read_needs_none(http, gateway, csrf):
    session = http(csrf)

    session.ask(Ask(url=f"{gateway.url}/Set"))
    before = gateway.fetched
    for _ in range(2):
        session.ask(_write(gateway.url))

    assert (before, gateway.fetched) == (0, 1)
    assert gateway.asked[1].path == "/sap/SRV/"


def test_the_token_outlives_a_run_of_the_connection(http, gateway, csrf):
    tokens = TokenCache()

    for _ in range(2):
        http(csrf, tokens).ask(_write(gateway.url))

    assert gateway.fetched == 1


def test_a_token_that_ended_is_fetched_again_once(http, gateway, csrf):
    session = http(csrf)
    session.ask(_write(gateway.url))
    gateway.token = "another"

    answer = session.ask(_write(gateway.url))

    assert (answer.status, gateway.fetched) == (201, 2)


def test_a_new_token_that_is_refused_too_is_for_a_person(http, gateway, csrf):
    session = http(csrf)
    session.ask(_write(gateway.url))
    gateway._read = lambda _: gateway.reply(200, b"", {"x-csrf-token": "never right"})
    gateway.token = "another"

    with pytest.raises(Misconfigured, match="HTTP 403"):
        session.ask(_write(gateway.url))

    assert len([asked for asked in gateway.asked if asked.method == "POST"]) == 3


def test_a_403_of_another_kind_fetches_nothing(http, serve, reply, csrf):
    web = serve(
        lambda asked: (
            reply(200, headers={"x-csrf-token": "t"}) if asked.method == "GET" else reply(403)
        )
    )

    with pytest.raises(Misconfigured):
        http(csrf | {"fetch_url": web.url}).ask(_write(web.url))

    assert [asked.method for asked in web.asked] == ["GET", "POST"]


def test_a_service_that_hands_out_no_token_is_told(http, serve, reply, csrf):
    web = serve(lambda _: reply(200, b"{}"))

    with pytest.raises(Misconfigured, match="fetch_url"):
        http(csrf | {"fetch_url": web.url}).ask(_write(web.url))


def test_a_wrong_password_shows_when_the_token_is_fetched(http, gateway, csrf, monkeypatch):
    monkeypatch.setenv("SAP_PW", "wrong")

    with pytest.raises(Misconfigured, match="HTTP 401"):
        http(csrf).ask(_write(gateway.url))


def test_under_it_an_oauth_token_is_renewed_as_well(http, serve, reply, monkeypatch, clock):
    monkeypatch.setenv("SECRET", "s")
    good = "Bearer fresh"

    def answer(asked):
        if asked.path == "/token":
            return reply(200, b'{"access_token": "fresh", "expires_in": 600}')
        if asked.headers.get("authorization") != good:
            return reply(401)
        return reply(200, headers={"x-csrf-token": "t"})

    web = serve(answer)
    signs = {
        "kind": "oauth2", "token_url": f"{web.url}/token",
        "client_id": "hub", "client_secret": "${env:SECRET}",
    }  # fmt: skip
    tokens = TokenCache("old", clock.at + timedelta(hours=1))

    http({"kind": "csrf", "fetch_url": web.url, "signs": signs}, tokens).ask(_write(web.url))

    assert [asked.path for asked in web.asked] == ["/", "/token", "/", "/Set"]
    assert web.asked[3].headers["authorization"] == good
    assert web.asked[3].headers["x-csrf-token"] == "t"


# -- secrets stay where they are


@pytest.mark.parametrize(
    "auth",
    [
        {"kind": "smart", "client_id": "c", "key_id": "k", "private_key": "ZZSECRET"},
        {"kind": "session", "login_url": "https://v", "user": "u", "password": "ZZSECRET"},
        {"kind": "csrf", "fetch_url": "https://s", "signs": {
            "kind": "basic", "user": "u", "password": "ZZSECRET"}},
    ],
)  # fmt: skip
def test_a_secret_in_the_place_of_its_reference_is_refused_unquoted(auth):
    with pytest.raises(ValidationError) as wrong:
        Fhir.model_validate({"base_url": "https://ehr.example/fhir", "auth": auth})

    assert "ZZSECRET" not in str(wrong.value)


def test_neither_tokens_nor_sessions_reach_a_log_a_message_or_a_repr(
    http, vault, login, gateway, csrf, caplog
):
    caplog.set_level(logging.DEBUG)
    told = ""

    def close_vault():
        vault._say = lambda *_: vault.reply(422)

    def close_gateway():
        gateway._read = lambda _: gateway.reply(200, b"", {"x-csrf-token": "csrf-2"})
        gateway.token = "csrf-3"

    ways = [(login(), vault.url, close_vault), (csrf, gateway.url, close_gateway)]
    for way, url, close in ways:
        tokens = TokenCache()
        session = http(way, tokens)
        session.ask(Ask(url=url + "/Set", method="POST", body=b"{}"))
        told += repr(tokens) + repr(TypeAdapter(Auth).validate_python(way))
        close()
        with pytest.raises((StatusRefused, Misconfigured)) as wrong:
            session.ask(Ask(url=url + "/Set", method="POST", body=b"{}"))
        told += str(wrong.value)

    for secret in ("session-1", "csrf-1", "csrf-2", "open sesame", "aHViOnNlY3JldA"):
        assert secret not in told + caplog.text
