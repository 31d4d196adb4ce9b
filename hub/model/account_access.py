"""An account: one person's way into one system, and whether it is still open."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, instant, ref, text

STATUSES = ("requested", "active", "suspended", "closed")
TRANSITIONS = {
    "requested": ("active", "closed"),
    "active": ("suspended", "closed"),
    "suspended": ("active", "closed"),
    "closed": ("active",),  # opened again
}


class AccountAccess(Entity, table=True):
    __tablename__ = "account_access"
    __area__ = "governance"
    __plural__ = "account-access"
    __sensitivity__ = "confidential"
    __label__ = "username"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS)
    __identifiers__ = (
        IdentifierType(type="login", says="login name, unique in its system", assigned=True,
                       literal=True),
    )  # fmt: skip

    person_id: str | None = ref("Person", "whose")
    account_system: str | None = text("the system it opens", longest=200)
    username: str | None = text("login name", longest=200, scim="userName", odm="User@OID")
    status: str | None = code("status", STATUSES, scim="active")
    status_native: str | None = text("status as the source said it", longest=200)
    access_role: str | None = text("what it may do, in the system's words", longest=400)
    study_id: str | None = ref("Study", "the study it is confined to, where it is to one")
    study_site_id: str | None = ref("StudySite", "the site it is confined to")
    opened_on: str | None = date("opened", scim="meta.created")
    closed_on: str | None = date("closed")
    last_login_at: str | None = instant("last used")
