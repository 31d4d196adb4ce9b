"""What a system says of itself when it does not let us in, fit for a message.

Only then: any other refusal may be about somebody. What stands in quotes, and a word with a digit
or of unusual length, could be a secret or a person's number and stays out.
"""

from __future__ import annotations

import re

from connectors.auth.tokens import pick, value
from connectors.http_policy import Answer

_PLACES = (
    "error_description", "detail", "message", "error.message", "error", "errors.0.detail",
    "errors.0.message", "issue.0.code",
)  # fmt: skip
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|“[^”]*”|`[^`]*`")
_ODD = re.compile(r"\S*\d\S*|\S{25,}")
_LARGEST, _MOST = 64 * 1024, 200  # bytes of an answer that is looked at, characters told


def of_sign_in(answer: Answer) -> str:
    """The system's own words in its refusal of a sign-in; "" where it has none, or for any other
    answer."""
    if answer.status not in (401, 403) or len(answer.body) > _LARGEST:
        return ""
    said = value(answer)
    found = (pick(said, place) for place in _PLACES)
    return next((_bare(one) for one in found if isinstance(one, str) and one.strip()), "")


def _bare(words: str) -> str:
    words = _ODD.sub("…", _QUOTED.sub("…", words))
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:_MOST]
