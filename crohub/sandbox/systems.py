"""The made-up institution's other systems: each holds the same studies, people and participants
under numbers of its own, and hears at the end of a day what the day brought."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from crohub.sandbox import (
    erp_books,
    erp_records,
    irb_records,
    oncore_records,
    redcap_records,
    scim_records,
    vault_records,
    workday_records,
)
from crohub.sandbox.erp import erp_server
from crohub.sandbox.irb import irb_server
from crohub.sandbox.news import News
from crohub.sandbox.oncore import oncore_server
from crohub.sandbox.redcap import RedcapServer
from crohub.sandbox.registry import RegistryState, registry_server
from crohub.sandbox.scim import Directory, scim_server
from crohub.sandbox.vault import vault_server
from crohub.sandbox.web import WebServer
from crohub.sandbox.workday import workday_server
from crohub.sandbox.world import World


class Systems:
    """The CTMS, the EDC, the ERP, the trial master file, the HR system, the identity provider and
    the IRB, filled from one world. What is written into them from outside stays until they are
    stopped."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.ctms = oncore_records.state()
        self.directory = Directory()
        self.edc = redcap_records.project()
        self.captured = redcap_records.captured()
        self.erp = erp_records.state(now)
        self.etmf = vault_records.state()
        self.hr = workday_records.tenant()
        self.irb = irb_records.state()
        self.registry = RegistryState()
        self._news = {name: News() for name in ("CTMS", "DIRECTORY", "EDC", "ETMF", "IRB")}
        self._servers: dict[str, WebServer] = {
            "CTMS": oncore_server(self.ctms),
            "DIRECTORY": scim_server(self.directory),
            "EDC": RedcapServer(self.edc),
            "EDC_LUN501": RedcapServer(self.captured),
            "ERP": erp_server(self.erp),
            "ETMF": vault_server(self.etmf),
            "HR": workday_server(self.hr),
            "IRB": irb_server(self.irb),
            "REGISTRY": registry_server(self.registry),
        }

    def start(self) -> None:
        """Opens the servers."""
        for server in self._servers.values():
            server.start()

    def stop(self) -> None:
        """Closes them; those that were never opened, too."""
        for server in self._servers.values():
            server.stop()

    def hear(self, world: World) -> None:
        """Brings every system to where the world is."""
        oncore_records.fill(self.ctms, world, self._news["CTMS"])
        irb_records.fill(self.irb, world, self._news["IRB"])
        redcap_records.fill(self.edc, world, self._news["EDC"])
        vault_records.fill(self.etmf, world, self._news["ETMF"])
        scim_records.fill(self.directory, world, self._news["DIRECTORY"])
        workday_records.fill(self.hr, world)
        erp_books.receive(self.erp)

    @property
    def named(self) -> dict[str, str]:
        """Addresses and secrets by name; only while they are open."""
        return {
            **{name: server.url for name, server in self._servers.items()},
            "CTMS_SECRET": self.ctms.client_secret,
            "ERP_PASSWORD": self.erp.password,
            "IRB_TOKEN": self.irb.token,
            "ETMF_PASSWORD": self.etmf.password,
            "DIRECTORY_TOKEN": self.directory.token,
            "EDC_TOKEN": redcap_records.TOKEN,
            "EDC_LUN501_TOKEN": redcap_records.TOKEN,
            "HR_PASSWORD": self.hr.password,
        }
