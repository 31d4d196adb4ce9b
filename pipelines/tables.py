"""The pipelines' tables: the journal (what arrived) and, beside the hub's, what became of it.

Embedded, the journal is a file of its own that only the edge writes; `progress`, `outcome` and
`held` live in the hub's file, so that done-marks commit together with their effects. On
PostgreSQL they are two schemas of one database.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from hub import tables as hub_tables

Big = BigInteger().with_variant(Integer, "sqlite")
journal = MetaData(naming_convention=hub_tables.metadata.naming_convention)

# What was said, byte for byte. `lane` is a blind index: lanes travel, patient numbers don't.
message = Table(
    "message",
    journal,
    Column("seq", Big, primary_key=True, autoincrement=False),
    Column("part", SmallInteger, nullable=False),
    Column("connection", String(80), nullable=False),
    Column("stream", String(80), nullable=False),
    Column("key", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("lane", LargeBinary, nullable=False),
    Column("arrival", Big, nullable=False),
    Column("at", Big, nullable=False),
    Column("received_at", Big, nullable=False),
    Column("media", String(80), nullable=False),
    Column("flags", SmallInteger, nullable=False),
    Column("pipeline", String(80), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("remark", Text),  # JSON: fault and notes, when there are any
    Column("body", LargeBinary, nullable=False),
    Column("control", Text),  # MSH-10 of an HL7 message: what an interface team asks for
    UniqueConstraint("connection", "key"),
)
Index("ix_message_part", message.c.part, message.c.seq)
# Lanes are digests, each in a place of its own: an index by lane alone would have every commit
# write a page for every message. Within a block of numbers there are few pages to write.
LANE_BLOCK = 9  # bits
Index("ix_message_lane", text(f"(seq >> {LANE_BLOCK})"), message.c.lane)
Index("ix_message_received", message.c.received_at)
Index(
    "ix_message_control",
    message.c.control,
    sqlite_where=text("control is not null"),
    postgresql_where=text("control is not null"),
)
_ANSWERED = text("(flags & 32) <> 0")  # pipelines.journal.ANSWER
Index(
    "ix_message_answer", message.c.connection, message.c.part, message.c.seq,
    sqlite_where=_ANSWERED, postgresql_where=_ANSWERED,
)  # fmt: skip

Sequence("message_seq", metadata=journal)  # PostgreSQL: numbers over all writers

# Writes that came with a key of the caller's (a digest of both), and what each was answered with,
# sealed; without an answer it is under way.
request = Table(
    "request",
    journal,
    Column("digest", LargeBinary, primary_key=True),
    Column("hash", LargeBinary, nullable=False),  # of what was asked
    Column("at", Big, nullable=False, index=True),
    Column("answer", LargeBinary),
)

# The session, file or pull run that messages came in, with its reconciliation counts.
arrival = Table(
    "arrival",
    journal,
    Column("id", Big, primary_key=True, autoincrement=False),
    Column("connection", String(80), nullable=False, index=True),
    Column("stream", String(80), nullable=False),
    Column("kind", String(20), nullable=False),  # session, pull, api
    Column("began_at", Big, nullable=False),
    Column("ended_at", Big),
    Column("read", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
)

# Where each pull may resume; moves only in the commit that stores what it passed.
cursor = Table(
    "cursor",
    journal,
    Column("connection", String(80), primary_key=True),
    Column("stream", String(80), primary_key=True),
    Column("position", Text, nullable=False),
    Column("moved_at", Big, nullable=False),
)

# The things of lists that are pulled whole: what was last said of each. `digest` is a blind index
# of its id; `said` the key its source gave, `turn` how often that was news.
present = Table(
    "present",
    journal,
    Column("connection", String(80), primary_key=True),
    Column("stream", String(80), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("said", Text, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("gone", SmallInteger, nullable=False),
    Column("moved_at", Big, nullable=False),
    sqlite_with_rowid=False,
)

# The configuration that accepted a message: files and texts, compressed.
revision = Table(
    "revision",
    journal,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("made_at", Big, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

# PostgreSQL: whoever writes messages of a partition holds its row until the commit, so that
# within a partition numbers become visible in order.
partition = Table("partition", journal, Column("part", SmallInteger, primary_key=True))

# One firing of a schedule; unique, so that two timers start one run.
fired = Table(
    "fired",
    journal,
    Column("pipeline", String(80), primary_key=True),
    Column("due_at", Big, primary_key=True),
    Column("began_at", Big, nullable=False),
    Column("ended_at", Big),
    Column("outcome", Text, nullable=False),
)

# How far each outbound pipeline has read the version feed; `turn` numbers its deliveries.
consumer = Table(
    "consumer",
    journal,
    Column("pipeline", String(80), primary_key=True),
    Column("upto", Text, nullable=False),
    Column("turn", Big, nullable=False),
    Column("shadow", SmallInteger, nullable=False, server_default="0"),  # 1: it sent nothing
)

# What is to be said to whom; unique per pipeline and version.
delivery = Table(
    "delivery",
    journal,
    Column("id", String(36), primary_key=True),
    Column("pipeline", String(80), nullable=False),
    Column("v", Big, nullable=False),
    Column("entity", String(40), nullable=False),
    Column("entity_id", String(36), nullable=False),
    Column("n", Integer, nullable=False),  # which version of its record
    Column("lane", LargeBinary, nullable=False),
    Column("turn", Big, nullable=False),  # the order of the feed, within the pipeline
    # behind: an earlier one of its lane is open; ready: to be said; waiting: the target must know
    # something first; approval: a person must decide; sending: handed over, no answer yet;
    # unknown: sent, and a person must find out what became of it; delivered, refused, shadow
    # (it would have been sent): ended
    Column("state", String(12), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("not_before", Big, nullable=False),
    Column("made_at", Big, nullable=False),
    Column("tried_at", Big),  # the first time
    Column("ended_at", Big),
    Column("detail", Text, nullable=False),
    Column("native_id", Text, nullable=False),
    Column("said", LargeBinary),  # what was sent, sealed: it is said again in the same bytes
    # 0: it was handed over to a target that was not asked to acknowledge it
    Column("confirmed", SmallInteger, nullable=False, server_default="1"),
    UniqueConstraint("pipeline", "v"),
)
_DUE = text("state in ('ready', 'waiting', 'approval', 'sending')")
_OPEN = text("state in ('behind', 'ready', 'waiting', 'approval', 'sending', 'unknown')")
Index(
    "ix_delivery_due", delivery.c.pipeline, delivery.c.turn,
    sqlite_where=_DUE, postgresql_where=_DUE,
)  # fmt: skip
Index(
    "ix_delivery_open", delivery.c.pipeline, delivery.c.lane, delivery.c.turn,
    sqlite_where=_OPEN, postgresql_where=_OPEN,
)  # fmt: skip
Index("ix_delivery_record", delivery.c.pipeline, delivery.c.entity_id)
Index("ix_delivery_state", delivery.c.pipeline, delivery.c.state)

# What we told a system ourselves, so that its echo is no independent evidence.
fingerprint = Table(
    "fingerprint",
    journal,
    Column("digest", LargeBinary, primary_key=True),  # of system|entity|id|field|value
    Column("delivery", String(36), nullable=False, index=True),
)

# How far settling has come in each partition, and which worker may go on (lease and epoch).
progress = Table(
    "progress",
    hub_tables.metadata,
    Column("part", SmallInteger, primary_key=True),
    Column("upto", Big, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("owner", String(80)),
    Column("lease_until", Big, nullable=False),
)

# Every message that progress has passed and that is not simply done.
outcome = Table(
    "outcome",
    hub_tables.metadata,
    Column("seq", Big, primary_key=True, autoincrement=False),
    Column("part", SmallInteger, nullable=False),
    Column("lane", LargeBinary, nullable=False),
    # ready: to be settled again; behind: its lane waits; parked: a person must look;
    # held: about a person in no study; aside: nothing reads it; test: not production data;
    # expired: held in vain; erased: and its body is gone
    Column("state", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("not_before", Big, nullable=False),
    Column("at", Big, nullable=False),
    Column("revision", Integer),  # settle under this one instead of the one that accepted it
    Column("again", Boolean, nullable=False),
)
Index("ix_outcome_state", outcome.c.part, outcome.c.state, outcome.c.seq)
Index("ix_outcome_lane", outcome.c.lane)

# Which people a held message waits for.
held = Table(
    "held",
    hub_tables.metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("seq", Big, primary_key=True, index=True),
    sqlite_with_rowid=False,
)

# Connections a person paused or is draining.
gate = Table(
    "gate",
    hub_tables.metadata,
    Column("connection", String(80), primary_key=True),
    Column("state", String(10), nullable=False),  # paused, draining
    Column("since", Big, nullable=False),
    Column("by", String(200), nullable=False),
    Column("reason", Text, nullable=False),
)

# What no mapping reads, counted per path.
unread = Table(
    "unread",
    hub_tables.metadata,
    Column("pipeline", String(80), primary_key=True),
    Column("path", String(200), primary_key=True),
    Column("messages", Integer, nullable=False),
)

# Messages that were settled again: versions they made since `at` are not told to others.
replayed = Table(
    "replayed",
    hub_tables.metadata,
    Column("seq", Big, primary_key=True, autoincrement=False),
    Column("at", Big, nullable=False),
)

# Who is told of the feed at an address of their own, as whom they may read it.
subscription = Table(
    "subscription",
    hub_tables.metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("url", Text, nullable=False),
    Column("wanted", Text, nullable=False),  # JSON: entities, studies; empty: all
    Column("owner", String(200), nullable=False),
    Column("grants", Text, nullable=False),  # JSON: scopes, studies, sites of who made it
    Column("secret", LargeBinary, nullable=False),  # the key that signs, sealed
    Column("since", String(40), nullable=False),  # where in the feed it began
    Column("state", String(8), nullable=False),  # on, paused, gone, ended
    Column("reason", Text, nullable=False),
    Column("made_at", Big, nullable=False),
    Column("changed_at", Big, nullable=False),
)
