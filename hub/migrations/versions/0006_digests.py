"""The morning's recommendations by mail; a mail belongs to an alert or to a digest"""

import sqlalchemy as sa
from alembic import op
import hub.models.base

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

TOLD = sa.text("SELECT alert_id, subject, subject_id, mail_id FROM alert_seen WHERE mail_id IS NOT NULL")
TELL = sa.text(
    "UPDATE alert_seen SET mail_id = :mail_id"
    " WHERE alert_id = :alert_id AND subject = :subject AND subject_id = :subject_id"
)


def upgrade() -> None:
    op.create_table('digest',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('membership_id', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('nonce', sa.String(length=43), nullable=False),
    sa.Column('end_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('due_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.Column('last_sent_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.CheckConstraint("language IN ('ja', 'en')", name=op.f('ck_digest_language')),
    sa.CheckConstraint("state IN ('active', 'ended')", name=op.f('ck_digest_state')),
    sa.ForeignKeyConstraint(['membership_id'], ['membership.id'], name=op.f('fk_digest_membership_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_digest')),
    sa.UniqueConstraint('end_hash', name=op.f('uq_digest_end_hash')),
    sa.UniqueConstraint('membership_id', name=op.f('uq_digest_membership_id'))
    )
    op.create_index('ix_digest_state_due_at', 'digest', ['state', 'due_at'])
    # SQLite makes the table anew, and dropping the old one empties what points to it.
    told = [dict(row) for row in op.get_bind().execute(TOLD).mappings()]
    with op.batch_alter_table('mail') as batch_op:
        batch_op.alter_column('alert_id', existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column('digest_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(op.f('fk_mail_digest_id'), 'digest', ['digest_id'], ['id'], ondelete='CASCADE')
        batch_op.create_index(op.f('ix_mail_digest_id'), ['digest_id'])
        batch_op.drop_constraint(op.f('ck_mail_kind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_mail_kind'), "kind IN ('confirm', 'known', 'news', 'digest')")
        batch_op.create_check_constraint(op.f('ck_mail_owner'), "(alert_id IS NULL) <> (digest_id IS NULL)")
    if told:
        op.get_bind().execute(TELL, told)
    op.create_table('digest_card',
    sa.Column('digest_id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('solution_id', sa.Integer(), nullable=False),
    sa.Column('mail_id', sa.Integer(), nullable=True),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('told_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_digest_card_call_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['digest_id'], ['digest.id'], name=op.f('fk_digest_card_digest_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['mail_id'], ['mail.id'], name=op.f('fk_digest_card_mail_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['solution_id'], ['solution.id'], name=op.f('fk_digest_card_solution_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('digest_id', 'call_id', 'solution_id', name=op.f('pk_digest_card')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_digest_card_token_hash'))
    )
    op.create_index(op.f('ix_digest_card_mail_id'), 'digest_card', ['mail_id'])


def downgrade() -> None:
    op.drop_table('digest_card')
    op.execute("DELETE FROM mail WHERE kind = 'digest'")
    told = [dict(row) for row in op.get_bind().execute(TOLD).mappings()]
    with op.batch_alter_table('mail') as batch_op:
        batch_op.drop_constraint(op.f('ck_mail_owner'), type_='check')
        batch_op.drop_constraint(op.f('ck_mail_kind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_mail_kind'), "kind IN ('confirm', 'known', 'news')")
        batch_op.drop_index(op.f('ix_mail_digest_id'))
        batch_op.drop_constraint(op.f('fk_mail_digest_id'), type_='foreignkey')
        batch_op.drop_column('digest_id')
        batch_op.alter_column('alert_id', existing_type=sa.Integer(), nullable=False)
    if told:
        op.get_bind().execute(TELL, told)
    op.drop_index('ix_digest_state_due_at', 'digest')
    op.drop_table('digest')
