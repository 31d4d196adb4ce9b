"""Runs migrations on the connection that `hub.schema.upgrade` hands in."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,
    render_as_batch=True,  # SQLite cannot alter a column: the table is copied
    transactional_ddl=True,  # on SQLite too, since `hub.schema` begins the transaction itself
)
with context.begin_transaction():
    context.run_migrations()
