"""Desks"""

import sqlalchemy as sa
from alembic import op
import hub.models.base

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('desk',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('department', sa.String(length=120), nullable=False),
    sa.Column('takes', sa.String(), nullable=False),
    sa.Column('url', sa.String(length=300), nullable=False),
    sa.Column('phone', sa.String(length=40), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('reply_days', sa.Integer(), nullable=True),
    sa.Column('hours', sa.String(length=200), nullable=False),
    sa.Column('rules', sa.String(), nullable=False),
    sa.Column('paused', sa.Boolean(), nullable=False),
    sa.Column('pause_reason', sa.String(length=200), nullable=False),
    sa.Column('paused_until', sa.Date(), nullable=True),
    sa.Column('created_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('updated_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('published_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.CheckConstraint("reply_days IS NULL OR reply_days > 0", name=op.f('ck_desk_reply_days')),
    sa.CheckConstraint("state IN ('draft', 'published')", name=op.f('ck_desk_state')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_desk_organisation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_desk'))
    )
    with op.batch_alter_table('desk', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_desk_organisation_id'), ['organisation_id'], unique=False)


def downgrade() -> None:
    op.drop_table('desk')
