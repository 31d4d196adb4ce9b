"""A made-up public registry: the studies of a sponsor, as ClinicalTrials.gov answers (API v2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from crohub.sandbox.web import WebServer

Row = dict[str, Any]


@dataclass
class RegistryState:
    """What is registered, by NCT number."""

    studies: dict[str, Row] = field(default_factory=dict)


def registry_server(state: RegistryState) -> WebServer:
    """Serves `state` at `url`/api/v2/studies, in one page."""

    async def studies(_request: Request) -> JSONResponse:
        found = list(state.studies.values())
        return JSONResponse({"studies": found, "totalCount": len(found)})

    return WebServer([Route("/api/v2/studies", studies)], name="sandbox-registry")
