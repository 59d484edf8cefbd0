"""Alembic's entry: runs migrations on the connection that `hub.migrate` hands over."""

from alembic import context

from hub.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
    user_module_prefix="hub.models.base.",
)
with context.begin_transaction():
    context.run_migrations()
