"""Binders in which something is missing, unfinished or run out.

Every site of every planted study has a full binder, which is the control; beside what has run out
stands a document that was replaced in time, and beside the draft one that is a week old.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from crohub.sandbox.plants import binder_words
from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.plants.trials import GUT, KIDNEY, SECOND
from crohub.sandbox.studies import Site

CHECK = "documents"


def plant(ground: Ground) -> Iterator[Expected]:
    """Each kind once, at one of the two sites."""
    for kind in (_report_missing, _approval_missing, _form_missing, _list_open, _run_out, _draft):
        yield from kind(ground, ground.rng.choice(KIDNEY.sites))
    yield from _contract_missing(ground)


def _report_missing(ground: Ground, site: Site) -> Iterator[Expected]:
    """A monitor came a second time: no report; the letter is there. At the other site both are,
    and a third visit is too recent for a report."""
    on = ground.ago(50, 80)
    left = on + timedelta(days=1)
    for one in KIDNEY.sites:
        ground.put(binder_words.monitored(KIDNEY, one, 2, on))
        filed = left + timedelta(days=9)
        if one is not site:
            ground.put(binder_words.filed(KIDNEY, "Report of monitoring visit 2",
                                          "Monitoring Visit Report", filed, one))  # fmt: skip
        ground.put(binder_words.filed(KIDNEY, "Follow-up letter of monitoring visit 2",
                                      "Monitoring Visit Follow-up", filed, one))  # fmt: skip
    ground.put(binder_words.monitored(KIDNEY, site, 3, ground.ago(8, 20)))
    yield Expected(CHECK, "missing", (
        KIDNEY.number, f"site {site.number}", "monitoring report", f"{left}",
        f"{left + timedelta(days=30)}",
    ))  # fmt: skip


def _approval_missing(ground: Ground, _site: Site) -> Iterator[Expected]:
    """The letter of the second approval was never filed."""
    ground.drop("etmf/documents", f"{KIDNEY.number} IRB approval of form v2")
    yield Expected(CHECK, "missing", (KIDNEY.number, "approval letter", f"{SECOND}"))


def _form_missing(ground: Ground, _site: Site) -> Iterator[Expected]:
    """Nor was the form that it approved."""
    ground.drop("etmf/documents", f"{KIDNEY.number} Consent form v2")
    yield Expected(CHECK, "missing", (KIDNEY.number, "consent form", "v2", f"{SECOND}"))


def _contract_missing(ground: Ground) -> Iterator[Expected]:
    ground.drop("etmf/documents", f"{GUT.number} Clinical trial agreement")
    signed = ground.at("tables/contracts", GUT.number)["fully_executed_on"]
    yield Expected(CHECK, "missing", (GUT.number, "contract", signed))


def _list_open(ground: Ground, site: Site) -> Iterator[Expected]:
    """Expected some days ago and not there; beside it something that is not due yet."""
    due, later = ground.ago(5, 30), ground.today + timedelta(days=20)
    ground.put(binder_words.expected(KIDNEY, site, "Site Evidence of Training", due))
    ground.put(binder_words.expected(KIDNEY, site, "Protocol Deviations", later))
    yield Expected(CHECK, "expected-missing", (
        KIDNEY.number, f"site {site.number}", "Site Evidence of Training", f"{due}",
    ))  # fmt: skip


def _run_out(ground: Ground, site: Site) -> Iterator[Expected]:
    """A licence ran out at one site; at the other it did, too, and the new one is there."""
    last = ground.ago(5, 40)
    for one in KIDNEY.sites:
        _licence(ground, one, "Licence of the pharmacy", last - timedelta(days=365), last)
        if one is not site:
            _licence(ground, one, "Licence of the pharmacy, renewed", last - timedelta(days=10),
                     last + timedelta(days=355))  # fmt: skip
    yield Expected(CHECK, "expired", (
        KIDNEY.number, f"site {site.number}", "Licence of the pharmacy", f"{last}",
    ))  # fmt: skip


def _licence(ground: Ground, site: Site, what: str, on: date, last: date) -> None:
    [(place, title, row)] = binder_words.filed(KIDNEY, what, "Site Staff Qualification", on, site)
    more = {"effective_date__v": f"{on}", "expiration_date__v": f"{last}"}
    ground.put(iter([(place, title, row | more)]))


def _draft(ground: Ground, site: Site) -> Iterator[Expected]:
    """A log has been in review for months; another since last week."""
    old, new = ground.ago(60, 90), ground.ago(5, 9)
    for what, on in (("Subject log", old), ("Subject log, second part", new)):
        [(place, title, row)] = binder_words.filed(KIDNEY, what, "Subject Log", on, site)
        ground.put(iter([(place, title, row | {"status__v": "In Review"})]))
    yield Expected(CHECK, "not-final", (
        KIDNEY.number, f"site {site.number}", "Subject log", "In Review", f"{old}",
    ))  # fmt: skip
