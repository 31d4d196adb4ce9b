"""Signs requests: which headers say who we are, and when to sign in anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from connectors.address import is_private_line, tell
from connectors.auth import Auth, Csrf, TokenCache
from connectors.auth.tokens import Request, Trades
from connectors.errors import Misconfigured
from connectors.http_policy import Answer

# Sends one request as it stands, once; gives the answer and its Set-Cookie headers.
Exchange = Callable[[Request], tuple[Answer, Sequence[str]]]


class Signer:
    """The way of signing in of one connection, at work."""

    def __init__(
        self, auth: Auth, tokens: TokenCache, exchange: Exchange, now: Callable[[], datetime]
    ) -> None:
        self._csrf = auth if isinstance(auth, Csrf) else None
        self._way = auth.signs if isinstance(auth, Csrf) else auth
        self._tokens, self._exchange, self._now = tokens, exchange, now

    def headers(self, method: str) -> dict[str, str]:
        """What goes with a request now; signs in first where that is needed."""
        signed = self._signed()
        if self._csrf is None or not self._csrf.concerns(method):
            return signed
        if not self._tokens.proof:
            self._tokens.proof = self._fetch_proof(self._csrf, signed)
            signed = self._signed()  # fetching may have renewed it
        return signed | self._tokens.proof

    def is_worth_another(self, answer: Answer) -> bool:
        """Was it turned away for a token or session that had ended? Then the next `headers` are
        new ones, and the same may be asked once more."""
        if self._csrf and self._csrf.is_spent(answer):
            return self._tokens.forget_proof()
        return self._has_ended(answer) and self._tokens.forget()

    def refusal(self, answer: Answer) -> Misconfigured | None:
        """What it means where the answer to the second try says the same."""
        if self._has_ended(answer) and answer.status < 300:
            return Misconfigured(f"{answer.told}: a session just made is not taken; check `auth`")
        return None

    def _has_ended(self, answer: Answer) -> bool:
        return isinstance(self._way, Trades) and self._way.is_spent(answer)

    def _signed(self) -> dict[str, str]:
        if not isinstance(self._way, Trades):
            return self._way.headers()
        token = self._tokens.valid(self._now())
        if not token:
            made = self._way.trade(lambda request: self._ask(request)[0], self._now())
            self._tokens.keep(made.text, made.ends)
            token = made.text
        return self._way.carried(token)

    def _fetch_proof(self, csrf: Csrf, signed: dict[str, str]) -> dict[str, str]:
        answer, cookies = self._ask(_with(csrf.request(), signed))
        if self._has_ended(answer) and self._tokens.forget():
            answer, cookies = self._ask(_with(csrf.request(), self._signed()))
        return csrf.proof(answer, cookies, self._now())

    def _ask(self, request: Request) -> tuple[Answer, Sequence[str]]:
        if not is_private_line(request.url):
            raise Misconfigured(f"{tell(request.method, request.url)}: a secret needs https")
        return self._exchange(request)


def _with(request: Request, signed: dict[str, str]) -> Request:
    headers = {**request.headers, **signed}
    return Request(url=request.url, method=request.method, headers=headers, body=request.body)
