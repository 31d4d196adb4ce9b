"""The hub's own tables beside the entities: keys, assertions, identifiers, versions, audit.

Four histories and no fifth: `message` belongs to the pipelines; `assertion`, `version` and
`audit` are here. Times are microseconds since 1970, UTC; digests are blind indexes of 16 bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Sequence,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import SQLModel

metadata = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
Big = BigInteger().with_variant(Integer, "sqlite")

# How one system knows one thing. `live` lists the assertions that still hold a field of it.
xref = Table(
    "xref",
    metadata,
    Column("x", Big, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),  # of entity|system|native key
    Column("entity", String(40), nullable=False),
    Column("system", String(80), nullable=False),
    Column("native", LargeBinary, nullable=False),  # the native key, sealed
    Column("home_id", String(36), nullable=False),  # the id it was born with
    Column("entity_id", String(36), nullable=False, index=True),
    Column("live", Text, nullable=False),
    Column("young", Boolean, nullable=False, server_default=text("false")),  # see `hub.young`
    Index("uq_xref_digest", "digest", unique=True, sqlite_where=text("not young")),
    Index(
        "ix_xref_young",
        "x",
        "digest",
        "young",
        sqlite_where=text("young"),
        postgresql_where=text("young"),
    ),
)

# What one message says about one thing. Append-only.
assertion = Table(
    "assertion",
    metadata,
    Column("a", Big, primary_key=True, autoincrement=False),
    Column("x", Big, nullable=False, index=True),
    Column("entity", String(40), nullable=False),
    Column("seq", Big, nullable=False, index=True),
    Column("at", Big, nullable=False),
    Column("native_version", String(80), nullable=False),
    Column("kind", String(8), nullable=False),  # stated, complete, gone, void
    Column("said", Text),  # JSON; a reference is {"x": n}
    Column("sealed", LargeBinary),  # the same, of a sealed entity
    Column("echo", Text),  # JSON list of fields that only repeat what we told this system
    Column("recorded_at", Big, nullable=False, server_default="0"),
)

# Which identifiers a system gives a thing; `find` ignores the assigner. Digests are random: rows
# stand in the order they came, so that only the keys are scattered over the file, and one index
# serves a search by either.
identifier = Table(
    "identifier",
    metadata,
    Column("digest", LargeBinary, nullable=False),
    Column("x", Big, nullable=False, index=True),
    Column("entity", String(40), nullable=False),
    Column("type", String(40), nullable=False),
    Column("assigner", String(200), nullable=False),
    Column("value", LargeBinary, nullable=False),  # sealed
    Column("find", LargeBinary, nullable=False),
    Column("strong", Boolean, nullable=False),
    Column("since", String(10), nullable=False, server_default=""),  # its first day, "": not said
    Column("until", String(10), nullable=False, server_default=""),  # its last
    PrimaryKeyConstraint("find", "digest", "x"),
)

# A source said that two of its keys are one thing; taken back when `withdrawn_seq` is set.
same_as = Table(
    "same_as",
    metadata,
    Column("kept_x", Big, primary_key=True),
    Column("retired_x", Big, primary_key=True),
    Column("entity", String(40), nullable=False),
    Column("seq", Big, nullable=False),
    Column("withdrawn_seq", Big),
)

# What we believe, and since when. `v` is the change feed.
version = Table(
    "version",
    metadata,
    Column("v", Big, primary_key=True, autoincrement=False),
    Column("entity", String(40), nullable=False),
    Column("id", String(36), nullable=False),
    Column("n", Integer, nullable=False),
    Column("seq", Big, nullable=False, index=True),
    Column("valid_from", Big, nullable=False),
    Column("recorded_at", Big, nullable=False),
    Column("changed", Text),  # JSON: the fields that changed, new values; null: no value now
    Column("sealed", LargeBinary),
    Column("provenance", Text, nullable=False),
    UniqueConstraint("id", "entity", "n"),
)

# Who did or saw what and why; one hash chain per writer.
audit = Table(
    "audit",
    metadata,
    Column("chain", String(40), primary_key=True),
    Column("n", Big, primary_key=True),
    Column("at", Big, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(60), nullable=False),
    Column("object", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("origin", String(200), nullable=False, server_default=""),  # address or terminal
)

# A data-quality problem: opened once, closed by itself when the data are right again.
finding = Table(
    "finding",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("digest", LargeBinary, nullable=False),  # of rule|x|field|place
    Column("rule", String(60), nullable=False),
    Column("x", Big),
    Column("entity", String(40), nullable=False),
    Column("entity_id", String(36)),
    Column("field", String(60), nullable=False),
    Column("place", String(200), nullable=False),
    Column("found", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("seq", Big, nullable=False),
    Column("opened_at", Big, nullable=False),
    Column("closed_at", Big),
    Column("owner", String(200), nullable=False, server_default=""),  # who should act
    # of a check: what its run was bounded by, the study, the day it became wrong, what each
    # system says (JSON), and who accepted it, why and until which day
    Column("scope", String(36), nullable=False, server_default=""),
    Column("study_id", String(36)),
    Column("since", String(10)),
    Column("evidence", Text, nullable=False, server_default=""),
    Column("signed_off_at", Big),
    Column("signed_off_by", String(200)),
    Column("signed_off_reason", Text),
    Column("signed_off_until", String(10)),
)
Index(
    "ix_finding_scope_open",
    finding.c.scope,
    finding.c.rule,
    sqlite_where=text("closed_at is null"),
    postgresql_where=text("closed_at is null"),
)
Index(
    "ix_finding_entity_id_open",
    finding.c.entity_id,
    sqlite_where=text("closed_at is null"),
    postgresql_where=text("closed_at is null"),
)
Index(
    "uq_finding_open",
    finding.c.digest,
    unique=True,
    sqlite_where=text("closed_at is null"),
    postgresql_where=text("closed_at is null"),
)
Index(
    "ix_finding_x_open",
    finding.c.x,
    sqlite_where=text("closed_at is null"),
    postgresql_where=text("closed_at is null"),
)

# By which policy the records of an entity were worked out.
believed = Table(
    "believed",
    metadata,
    Column("entity", String(40), primary_key=True),
    Column("policy", String(64), nullable=False),
)

# How each feed is doing, as the pipelines told us.
feed = Table(
    "feed",
    metadata,
    Column("connection", String(80), primary_key=True),
    Column("stream", String(80), primary_key=True),
    Column("system", String(80), nullable=False),
    Column("state", String(20), nullable=False),
    Column("heard_at", Big),
    Column("settled_at", Big),
    Column("detail", Text, nullable=False),
    Column("messages", Big, nullable=False, server_default="0"),  # so far, replays not counted
    Column("parked", Big, nullable=False, server_default="0"),  # of them, not understood at first
)

# Which systems ever spoke of which kind of record.
fed = Table(
    "fed",
    metadata,
    Column("entity", String(40), primary_key=True),
    Column("system", String(80), primary_key=True),
)

# What a person decides: kind, evidence, proposal, who, when, why.
decision = Table(
    "decision",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("kind", String(40), nullable=False),
    Column("evidence", Text, nullable=False),
    Column("proposal", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("opened_at", Big, nullable=False),
    Column("decided_at", Big),
    Column("decided_by", String(200)),
    Column("reason", Text),
    Column("expires_at", Big),  # unanswered until then, it lapses; null: it waits for good
    Column("ids", Text),  # JSON: the records it is about; null: none
    Index("ix_decision_state", "state", "kind", "id"),
)

# What was said of two keys and ties nothing: `apart` (a person: never one), `linked` (a source:
# one person in two records that stay two). Taken back when `withdrawn_seq` is set.
relation = Table(
    "relation",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("one_x", Big, primary_key=True),
    Column("other_x", Big, primary_key=True),
    Column("entity", String(40), nullable=False),
    Column("seq", Big, nullable=False),
    Column("withdrawn_seq", Big),
    Index("ix_relation_one_x", "one_x"),
    Index("ix_relation_other_x", "other_x"),
)

# What records are found by that may be one; a digest of what they have in common.
match_key = Table(
    "match_key",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("entity_id", String(36), primary_key=True, index=True),
)

# Two records that may be one, `one` the older: how far they agree, and the question about it.
match_pair = Table(
    "match_pair",
    metadata,
    Column("one", String(36), primary_key=True),
    Column("other", String(36), primary_key=True, index=True),
    Column("entity", String(40), nullable=False),
    Column("weight", Integer, nullable=False),  # hundredths of a bit
    Column("levels", Text, nullable=False),
    Column("decision", String(36), nullable=False),
)

# How far the search for such pairs has read the change feed.
match_progress = Table(
    "match_progress",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("cursor", String(40), nullable=False),
)

# How far the checks have read the change feed, the day they last looked at everything, and by which
# policy.
check_progress = Table(
    "check_progress",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("cursor", String(40), nullable=False),
    Column("day", String(10), nullable=False),
    Column("policy", String(64), nullable=False),
)

# The studies and people (`scope`) that are to be checked anew.
check_due = Table(
    "check_due",
    metadata,
    Column("scope", String(8), primary_key=True),
    Column("id", String(36), primary_key=True),
)

# What institution-wide views are answered from (hub.views.kept): sums of each study, and of each
# site and month; the studies whose sums are due, and how far the change feed has been read.
_STUDY_SUMS = (
    "subjects", "consented", "screened", "screen_failed", "enrolled", "on_treatment", "withdrawn",
    "completed", "sites_planned", "sites_active", "sites_closed", "open_issues",
)  # fmt: skip
_MONTH_SUMS = (
    "potential", "prescreened", "consented", "screened", "screen_failed", "enrolled", "randomised",
    "started_treatment", "end_of_treatment", "follow_up", "withdrawn", "lost", "completed",
    "in_screening", "in_treatment", "screened_so_far", "screen_failed_so_far", "enrolled_so_far",
    "lost_so_far", "withdrawn_so_far",
)  # fmt: skip
study_sum = Table(
    "study_sum",
    metadata,
    Column("study_id", String(36), primary_key=True),
    Column("first_enrolled_on", String(10)),
    *(Column(name, Integer, nullable=False) for name in _STUDY_SUMS),
)
enrollment_sum = Table(
    "enrollment_sum",
    metadata,
    Column("id", String(90), primary_key=True),
    Column("study_id", String(36), nullable=False, index=True),
    Column("study_site_id", String(36)),
    Column("month", String(7)),
    Column("first_month", String(7)),
    *(Column(name, Integer, nullable=False) for name in _MONTH_SUMS),
)
accrual_sum = Table(
    "accrual_sum",
    metadata,
    Column("study_id", String(36), primary_key=True),
    Column("year", String(4), primary_key=True),
    Column("enrolled", Integer, nullable=False),
)
sum_due = Table("sum_due", metadata, Column("study_id", String(36), primary_key=True))
sum_progress = Table(
    "sum_progress",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("cursor", String(40), nullable=False),
    Column("upto", Big, nullable=False),  # the sums tell of all that was recorded until then
    # rows of views are those of `day`, and becoming those of `turning`
    Column("day", String(10), nullable=False, server_default=""),
    Column("turning", String(10), nullable=False, server_default=""),
)

# Who may call the API.
api_key = Table(
    "api_key",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("made_at", Big, nullable=False),
    Column("expires_at", Big, nullable=False),
    Column("revoked_at", Big),
    # ids as JSON of what it is confined to; null: it is not, []: to nothing
    Column("studies", Text),
    Column("sites", Text),
)

# PostgreSQL: where workers that run side by side take their numbers from
for _name in ("xref_x_seq", "assertion_a_seq", "version_v_seq"):
    Sequence(_name, metadata=metadata)
