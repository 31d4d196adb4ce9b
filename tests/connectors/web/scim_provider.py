"""A real SCIM server (scim2-server) on loopback, and what a person would do there by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import httpx2
from scim2_models import ScimProvider
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from crohub.sandbox.web import WebServer

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@dataclass
class Provider:
    """A running scim2-server, and what a person would do there by hand."""

    web: WebServer
    users: list[str] = field(default_factory=list)

    def write(self, method, path, body=None):
        answer = httpx2.request(method, f"{self.web.url}/v2{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def hire(self, name, **said):
        said = {"schemas": [USER], "userName": name, "active": True} | said
        self.users.append(self.write("POST", "/Users", said)["id"])
        return self.users[-1]

    def group(self, name, *members):
        said = [{"value": one} for one in members]
        return self.write(
            "POST", "/Groups", {"schemas": [GROUP], "displayName": name, "members": said}
        )["id"]

    def retitle(self, user, title):
        operation = {"op": "replace", "path": "title", "value": title}
        patch = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
        self.write("PATCH", f"/Users/{user}", {"schemas": [patch], "Operations": [operation]})

    def user(self, user):
        return self.write("GET", f"/Users/{user}")

    def members(self, group):
        said = self.write("GET", f"/Groups/{group}").get("members", [])
        return {one["value"] for one in said}


@cache
def able(*cannot):
    """What a provider offers; `cannot` names what its ServiceProviderConfig denies."""
    config = load_default_service_provider_config()
    for name in ("bulk", *cannot):
        getattr(config, name).supported = False
    types = load_default_resource_types().values()
    return ScimProvider.from_discovery(load_default_schemas().values(), types, config=config)


def provider(*cannot):
    """A provider that is not running yet; it lets everyone in, and has tokens."""
    token = Route(
        "/token",
        lambda _: JSONResponse({"access_token": "T", "token_type": "Bearer"}),
        methods=["POST"],
    )
    scim = ASGIApplication(AsyncInMemoryStorage(), able(*cannot))
    return Provider(WebServer([token, Mount("/", scim)]))
