"""The one HTTP client: verified TLS, limits, sign-in, retries within one attempt, quiet logs.

Across attempts the journal waits; here a request is repeated a few times within `patience`.
Nothing of a query or a body ever reaches a message or a log.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlencode

import httpx2
import tenacity
from pydantic import BaseModel, ConfigDict, Field

from connectors import http_body, words
from connectors.address import BaseUrl, follow, is_private_line, tell
from connectors.auth import Auth, NoAuth, TokenCache
from connectors.auth.tokens import Request
from connectors.errors import ConnectorError, Misconfigured, Refused, TryLater
from connectors.http_policy import Answer, NoAnswer, Throttle, no_answer, retry_after, verdict
from connectors.http_sign import Signer
from connectors.reach import Reach
from connectors.world import World

# Both write whole URLs, with their queries, into their logs.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_SAFE = frozenset({"GET", "HEAD"})
_REPEATABLE = _SAFE | {"PUT", "DELETE"}  # RFC 9110 §9.2.2
_LONGEST_BACKOFF = 60.0

Judge = Callable[[Answer], ConnectorError | None]


class HttpSettings(BaseModel):
    """Limits and trust of one connection's HTTP. Times in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect_timeout: float = Field(
        default=10, gt=0, description="Seconds until a connection must stand."
    )
    read_timeout: float = Field(
        default=30, gt=0, description="Seconds between two pieces of an answer."
    )
    body_timeout: float = Field(
        default=300, gt=0, description="Seconds that a whole answer may take."
    )
    body_cap: int = Field(
        default=16 * 1024 * 1024,
        gt=0,
        description="Bytes that an answer may have after unpacking.",
    )
    attempts: int = Field(
        default=4, ge=1, le=10, description="How often one request is tried within one run."
    )
    patience: float = Field(
        default=60, ge=0, description="Seconds for all attempts of one request together."
    )
    ca_file: str = Field(
        default="", description="PEM file of the authorities to trust; empty: those of the machine."
    )
    client_cert_file: str = Field(
        default="", description="PEM file of our certificate, for mutual TLS; empty: none."
    )
    client_key_file: str = Field(
        default="",
        description="PEM file of its private key; empty: it is in the certificate's file.",
    )
    proxy: BaseUrl | None = Field(
        default=None, description="Address of the proxy that requests go through; unsaid: none."
    )
    throttle: Throttle | None = Field(
        default=None,
        description="How the system counts our requests and when we slow down before it does.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `params` replace the address's query; None leaves it as it is."""

    url: str
    method: str = "GET"
    params: tuple[tuple[str, str], ...] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    repeatable: bool = False  # sending it twice does nothing twice, whatever its method says
    signed: bool = True  # False: it must not carry what says who we are

    @property
    def told(self) -> str:
        return tell(self.method, self.url)

    @property
    def may_repeat(self) -> bool:
        return self.repeatable or self.method in _REPEATABLE


def _by_status(_: Answer) -> None:
    return None


class Http:
    """A session with one system; use it in a `with`. `reach` keeps it away from our own network,
    where somebody else chose the address.

    `judge` sees every answer first: it returns the error an answer stands for (systems that
    say 200 and mean no), or None to leave it to the status.
    """

    def __init__(
        self,
        settings: HttpSettings,
        auth: Auth | None = None,
        *,
        world: World | None = None,
        tokens: TokenCache | None = None,
        judge: Judge = _by_status,
        reach: Reach | None = None,
    ) -> None:
        self._settings = settings
        self._world = world or World()
        self._signer = Signer(
            auth or NoAuth(), tokens or TokenCache(), self._unsigned, self._world.now
        )
        self._judge = judge
        self._pause = 0.0  # seconds that the last answer wants us to wait
        self._client = _client(settings, reach)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, ask: Ask) -> Answer:
        """The answer, when the system did what was asked.

        Raises TryLater (with `after` where the system named a time) once attempts or patience
        are spent, NoAnswer where the outcome is unknown, Refused, Misconfigured.
        """
        return self._retrying(ask)(self._attempt, ask)

    def lines(self, ask: Ask) -> Iterator[bytes]:
        """The lines of an answer of any length, as they come. Until the first, what passes is
        tried again; what was yielded before a raise stands; a line that broke off is not
        yielded."""
        with ExitStack() as stack:
            response = self._retrying(ask)(self._begin, ask, stack)
            yield from http_body.lines(response, cap=self._settings.body_cap, told=ask.told)

    def _begin(self, ask: Ask, stack: ExitStack) -> httpx2.Response:
        """An answer whose body is still to be read."""
        for last in (False, True):
            response = stack.enter_context(self._open(ask, ask.url, self._sign(ask)))
            if response.status_code < 300:
                return response
            answer = self._read(response, ask)
            stack.close()
            if last or not self._signer.is_worth_another(answer):
                break
        self._raise_for(answer, ask)
        raise Refused(f"{ask.told}: HTTP {answer.status}, expected an answer with a body")

    def _retrying(self, ask: Ask) -> tenacity.Retrying:
        def again(error: BaseException) -> bool:
            known = not isinstance(error, NoAnswer)
            return isinstance(error, TryLater) and (known or ask.may_repeat)

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(again),
            stop=self._stop,
            wait=self._wait,
            sleep=self._world.sleep,
            reraise=True,
        )

    def _stop(self, state: tenacity.RetryCallState) -> bool:
        limits = self._settings
        spent = tenacity.stop_any(
            tenacity.stop_after_attempt(limits.attempts),
            tenacity.stop_after_delay(limits.patience),
        )
        return spent(state) or state.idle_for + state.upcoming_sleep > limits.patience

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """What the system asked for, else full jitter over 1, 2, 4 … seconds."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TryLater) and error.after:
            return error.after
        widest = min(2.0 ** (state.attempt_number - 1), _LONGEST_BACKOFF)
        return widest * self._world.chance()

    def _attempt(self, ask: Ask) -> Answer:
        answer = self._exchange(ask)
        if self._signer.is_worth_another(answer):
            answer = self._exchange(ask)
            refusal = self._signer.refusal(answer)
            if refusal:
                raise refusal
        return self._raise_for(answer, ask)

    def _raise_for(self, answer: Answer, ask: Ask) -> Answer:
        now = self._world.now()
        error = self._judge(answer) or verdict(
            answer, now=now, repeatable=ask.may_repeat, detail=words.of_sign_in(answer)
        )
        if isinstance(error, TryLater):
            error.after = error.after or retry_after(answer, now)
        if error:
            raise error
        return answer

    def _exchange(self, ask: Ask) -> Answer:
        """One answer, redirects followed on the same origin and for safe methods only."""
        if self._pause:
            self._world.sleep(self._pause)
        headers, url, current = self._sign(ask), ask.url, ask
        for _ in range(_MOST_REDIRECTS + 1):
            with self._open(current, url, headers) as response:
                answer = self._read(response, current)
            self._pause = limits.wait(answer) if (limits := self._settings.throttle) else 0.0
            location = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not location:
                return answer
            if ask.method not in _SAFE:
                raise Refused(f"{answer.told}: HTTP {answer.status}, a redirect nobody may follow")
            url = follow(location, seen_at=url)
            current = Ask(url=url, method=ask.method, headers=ask.headers)
        raise Refused(f"{ask.told}: redirected more than {_MOST_REDIRECTS} times")

    @contextmanager
    def _open(self, ask: Ask, url: str, signed: Mapping[str, str]) -> Iterator[httpx2.Response]:
        headers = {"Accept-Encoding": "gzip", **ask.headers, **signed}
        if signed and not is_private_line(url):
            raise Misconfigured(f"{ask.told}: a secret would travel without TLS; use https")
        try:
            request = self._client.build_request(
                ask.method, _address(url, ask), headers=headers, content=ask.body or None
            )
            response = self._client.send(request, stream=True)
            try:
                yield response
            finally:
                response.close()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise no_answer(error, ask.told) from None

    def _read(self, response: httpx2.Response, ask: Ask) -> Answer:
        limits = self._settings
        body = http_body.whole(
            response,
            cap=limits.body_cap,
            seconds=limits.body_timeout,
            now=self._world.now,
            told=ask.told,
        )
        url = str(response.request.url)
        return Answer(
            status=response.status_code,
            headers=response.headers,
            body=body,
            url=url,
            told=ask.told,
        )

    def _sign(self, ask: Ask) -> dict[str, str]:
        return self._signer.headers(ask.method) if ask.signed else {}

    def _unsigned(self, request: Request) -> tuple[Answer, Sequence[str]]:
        """One exchange that carries its own proof; gives the Set-Cookie headers as well."""
        ask = Ask(
            url=request.url, method=request.method, headers=request.headers, body=request.body
        )
        with self._open(ask, ask.url, {}) as response:
            return self._read(response, ask), response.headers.get_list("set-cookie")


def _client(settings: HttpSettings, reach: Reach | None = None) -> httpx2.Client:
    # trust_env off: a .netrc or a proxy variable must not decide where patients' data go
    trust = _trust(settings)
    return httpx2.Client(
        verify=trust,
        transport=reach.transport(trust) if reach else None,
        trust_env=False,
        proxy=settings.proxy,
        follow_redirects=False,
        timeout=httpx2.Timeout(settings.read_timeout, connect=settings.connect_timeout),
    )


def _trust(settings: HttpSettings) -> ssl.SSLContext:
    for name in filter(
        None, (settings.ca_file, settings.client_cert_file, settings.client_key_file)
    ):
        if not Path(name).is_file():
            raise Misconfigured(f"the TLS file {name} does not exist")
    try:
        if not settings.ca_file and not settings.client_cert_file:
            return _system_trust()
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        if settings.client_cert_file:
            context.load_cert_chain(settings.client_cert_file, settings.client_key_file or None)
    except (ssl.SSLError, OSError) as error:
        raise Misconfigured(f"TLS files cannot be used: {type(error).__name__}") from None
    return context


@cache
def _system_trust() -> ssl.SSLContext:
    """The system's authorities; reading them takes longer than most requests."""
    return httpx2.create_ssl_context(trust_env=False)


def _address(url: str, ask: Ask) -> httpx2.URL:
    """`url` with the query of `ask`. A blank is %20, which every server reads: + is a form's, and
    an OData server takes it for a plus."""
    if ask.params is None:
        return httpx2.URL(url)
    query = urlencode(ask.params, quote_via=quote)
    return httpx2.URL(url).copy_with(query=query.encode() or None)
