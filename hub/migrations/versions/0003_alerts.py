"""Saved searches and their mails"""

import sqlalchemy as sa
from alembic import op
import hub.models.base

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('alert',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('reference', sa.String(length=8), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('email_key', sa.String(length=320), nullable=False),
    sa.Column('search', sa.String(), nullable=False),
    sa.Column('search_hash', sa.String(length=64), nullable=False),
    sa.Column('target', sa.String(length=16), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('nonce', sa.String(length=43), nullable=False),
    sa.Column('confirm_hash', sa.String(length=64), nullable=False),
    sa.Column('end_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('asked_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('confirmed_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.Column('ended_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.Column('looked_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.Column('due_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.Column('last_sent_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.CheckConstraint("language IN ('ja', 'en')", name=op.f('ck_alert_language')),
    sa.CheckConstraint("state IN ('pending', 'active', 'ended')", name=op.f('ck_alert_state')),
    sa.CheckConstraint("target IN ('call', 'solution')", name=op.f('ck_alert_target')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert')),
    sa.UniqueConstraint('confirm_hash', name=op.f('uq_alert_confirm_hash')),
    sa.UniqueConstraint('email_key', 'search_hash', name=op.f('uq_alert_email_key_search_hash')),
    sa.UniqueConstraint('end_hash', name=op.f('uq_alert_end_hash')),
    sa.UniqueConstraint('reference', name=op.f('uq_alert_reference'))
    )
    with op.batch_alter_table('alert', schema=None) as batch_op:
        batch_op.create_index('ix_alert_state_due_at', ['state', 'due_at'], unique=False)

    op.create_table('mail',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('alert_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('key', sa.String(length=60), nullable=False),
    sa.Column('recipient', sa.String(length=320), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('end_url', sa.String(length=500), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('last_error', sa.String(length=500), nullable=False),
    sa.Column('created_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('due_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('sent_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.CheckConstraint("kind IN ('confirm', 'known', 'news')", name=op.f('ck_mail_kind')),
    sa.CheckConstraint("state IN ('queued', 'sending', 'sent', 'failed')", name=op.f('ck_mail_state')),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_mail_alert_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail')),
    sa.UniqueConstraint('key', name=op.f('uq_mail_key'))
    )
    with op.batch_alter_table('mail', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mail_alert_id'), ['alert_id'], unique=False)
        batch_op.create_index('ix_mail_state_due_at', ['state', 'due_at'], unique=False)

    op.create_table('alert_seen',
    sa.Column('alert_id', sa.Integer(), nullable=False),
    sa.Column('subject', sa.String(length=16), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=False),
    sa.Column('mail_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_alert_seen_alert_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['mail_id'], ['mail.id'], name=op.f('fk_alert_seen_mail_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('alert_id', 'subject', 'subject_id', name=op.f('pk_alert_seen'))
    )
    with op.batch_alter_table('alert_seen', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_alert_seen_mail_id'), ['mail_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('alert_seen', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_alert_seen_mail_id'))

    op.drop_table('alert_seen')
    with op.batch_alter_table('mail', schema=None) as batch_op:
        batch_op.drop_index('ix_mail_state_due_at')
        batch_op.drop_index(batch_op.f('ix_mail_alert_id'))

    op.drop_table('mail')
    with op.batch_alter_table('alert', schema=None) as batch_op:
        batch_op.drop_index('ix_alert_state_due_at')

    op.drop_table('alert')
