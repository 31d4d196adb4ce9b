"""One POST to REDCap's one address: the token, the pace, and what an answer that is no data means.

REDCap's own words are told where it refuses; what they quote and their numbers stay out, for those
may be a participant's.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from pydantic import SecretStr

from connectors.address import is_private_line, tell
from connectors.errors import ConnectorError, Misconfigured, Refused, TryLater
from connectors.formats import json_text
from connectors.http import Ask, Http
from connectors.http_policy import Answer, StatusRefused
from connectors.secrets import reveal

_FORM = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
_VALUES = re.compile(r"\"[^\"]*\"|'[^']*'|“[^”]*”|\d+")  # a record's name is often a number
_MOST = 200  # characters of another's words

Fields = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A session with one project. `turn` waits until the next request may be made."""

    http: Http
    url: str
    token: SecretStr
    turn: Callable[[], None]

    def ask(self, content: str, fields: Fields = (), *, repeatable: bool = True) -> Answer:
        """The answer to a request for `content`. `repeatable`: sending it twice does nothing
        twice."""
        if not is_private_line(self.url):
            raise Misconfigured(f"{tell('POST', self.url)}: the token needs https")
        form = [("token", reveal(self.token)), ("content", content), ("format", "json")]
        form += [("returnFormat", "json"), *fields]
        body = urlencode(form).encode()
        self.turn()
        return self.http.ask(
            Ask(url=self.url, method="POST", headers=_FORM, body=body, repeatable=repeatable)
        )


def judge(answer: Answer) -> ConnectorError | None:
    """The error that an answer stands for; None leaves it to the status."""
    said = f"{answer.told}: HTTP {answer.status}"
    begin = answer.body.lstrip()[:1]
    if answer.status in (401, 403):
        return Misconfigured(f"{said}: {_words(answer) or 'no reason given'}; check `token`")
    if answer.status < 300 and begin == b"<":
        return TryLater(f"{said}, but a web page in the place of data: it is offline")
    refused = 400 <= answer.status < 500 and answer.status not in (408, 425, 429)
    words = _words(answer) if refused or (answer.status < 300 and begin == b"{") else ""
    return StatusRefused(f"{said}: {words}", answer.status) if words else None


def _words(answer: Answer) -> str:
    """What REDCap says is wrong; "" where it says nothing."""
    try:
        said = json_text.read(answer.body)
    except Refused:
        return ""
    words = said.get("error") if isinstance(said, dict) else None
    if not isinstance(words, str):
        return ""
    cells = [row for row in csv.reader(words.splitlines()) if len(row) == 4]
    if cells:  # a refused import: record, field, value, message
        return "; ".join(f"{field}: {_bare(why)}" for _, field, _, why in cells)[:_MOST]
    return _bare(words)[:_MOST]


def _bare(words: str) -> str:
    return " ".join(_VALUES.sub("…", words).split())
