"""Lists with places, answers, questions, audits; pairs and vectors are made anew"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import text
import hub.models.base

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

CURRENT = text("ends_at IS NULL")


def upgrade() -> None:
    # What workers have computed is computed again: the columns of these tables mean other things.
    op.drop_table('match')
    op.drop_table('vector')
    op.execute("DELETE FROM match_state")
    op.execute("DELETE FROM epoch")
    op.execute("DELETE FROM outbox_task WHERE kind = 'match'")
    for subject in ('call', 'solution'):
        op.execute(
            "INSERT INTO outbox_task (kind, subject, subject_id, cause, created_at, due_at, tries, last_error)"
            f" SELECT 'match', '{subject}', id, 'migration', updated_at, updated_at, 0, ''"
            f" FROM {'call' if subject == 'call' else 'solution'} WHERE state = 'published'"
        )
    op.create_table('vector',
    sa.Column('subject', sa.String(length=16), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=False),
    sa.Column('serial', sa.BigInteger(), nullable=False),
    sa.Column('gone', sa.Boolean(), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('subject', 'subject_id', name=op.f('pk_vector')),
    sa.UniqueConstraint('serial', name=op.f('uq_vector_serial'))
    )
    op.create_table('match',
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('solution_id', sa.Integer(), nullable=False),
    sa.Column('epoch_id', sa.Integer(), nullable=False),
    sa.Column('original_id', sa.Integer(), nullable=False),
    sa.Column('town_id', sa.Integer(), nullable=False),
    sa.Column('firm_id', sa.Integer(), nullable=False),
    sa.Column('score', sa.Double(), nullable=False),
    sa.Column('raw', sa.Double(), nullable=False),
    sa.Column('prose', sa.Double(), nullable=False),
    sa.Column('tie', sa.String(length=16), nullable=False),
    sa.Column('parts', sa.JSON(), nullable=False),
    sa.Column('reasons', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('gaps', sa.JSON(none_as_null=True), nullable=True),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_match_call_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['firm_id'], ['organisation.id'], name=op.f('fk_match_firm_id')),
    sa.ForeignKeyConstraint(['solution_id'], ['solution.id'], name=op.f('fk_match_solution_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['town_id'], ['organisation.id'], name=op.f('fk_match_town_id')),
    sa.PrimaryKeyConstraint('call_id', 'solution_id', name=op.f('pk_match'))
    )
    op.create_index('ix_match_call_id_score', 'match', ['call_id', 'score'])
    op.create_index('ix_match_solution_id_score', 'match', ['solution_id', 'score'])
    op.create_index('ix_match_firm_id_score', 'match', ['firm_id', 'score'])
    op.create_table('match_list',
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('owner_id', sa.Integer(), nullable=False),
    sa.Column('epoch_id', sa.Integer(), nullable=False),
    sa.Column('dealt_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('suitable', sa.Integer(), nullable=False),
    sa.Column('loss', sa.Double(), nullable=False),
    sa.CheckConstraint("kind IN ('call', 'firm')", name=op.f('ck_match_list_kind')),
    sa.PrimaryKeyConstraint('kind', 'owner_id', name=op.f('pk_match_list'))
    )
    op.create_table('place',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('owner_id', sa.Integer(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('solution_id', sa.Integer(), nullable=False),
    sa.Column('firm_id', sa.Integer(), nullable=False),
    sa.Column('town_id', sa.Integer(), nullable=False),
    sa.Column('value', sa.Double(), nullable=False),
    sa.Column('how', sa.String(length=8), nullable=False),
    sa.Column('begins_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('ends_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.CheckConstraint("kind IN ('call', 'firm')", name=op.f('ck_place_kind')),
    sa.CheckConstraint("how IN ('merit', 'turn', 'reserve')", name=op.f('ck_place_how')),
    sa.CheckConstraint("rank > 0", name=op.f('ck_place_rank')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_place_call_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['firm_id'], ['organisation.id'], name=op.f('fk_place_firm_id')),
    sa.ForeignKeyConstraint(['solution_id'], ['solution.id'], name=op.f('fk_place_solution_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['town_id'], ['organisation.id'], name=op.f('fk_place_town_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_place'))
    )
    op.create_index('ux_place_rank', 'place', ['kind', 'owner_id', 'rank'], unique=True,
                    sqlite_where=CURRENT, postgresql_where=CURRENT)
    op.create_index('ux_place_pair', 'place', ['kind', 'owner_id', 'call_id', 'solution_id'], unique=True,
                    sqlite_where=CURRENT, postgresql_where=CURRENT)
    op.create_index('ix_place_firm_id', 'place', ['firm_id', 'kind', 'ends_at'])
    op.create_index('ix_place_call_id', 'place', ['call_id', 'kind', 'ends_at'])
    op.create_index('ix_place_ends_at', 'place', ['ends_at', 'begins_at'])
    op.create_table('standing',
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('debt', sa.Double(), nullable=False),
    sa.Column('shift', sa.Double(), nullable=False),
    sa.Column('waits_since', hub.models.base.Moment(timezone=True), nullable=True),
    sa.Column('placed_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_standing_organisation_id')),
    sa.PrimaryKeyConstraint('organisation_id', name=op.f('pk_standing'))
    )
    op.create_table('feedback',
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('solution_id', sa.Integer(), nullable=False),
    sa.Column('verdict', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.String(length=24), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('seen', sa.JSON(), nullable=False),
    sa.CheckConstraint("verdict IN ('interested', 'declined', 'proposed', 'hidden')", name=op.f('ck_feedback_verdict')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_feedback_call_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_feedback_organisation_id')),
    sa.ForeignKeyConstraint(['solution_id'], ['solution.id'], name=op.f('fk_feedback_solution_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_feedback_user_id')),
    sa.PrimaryKeyConstraint('organisation_id', 'call_id', 'solution_id', name=op.f('pk_feedback'))
    )
    op.create_index('ix_feedback_call_id', 'feedback', ['call_id'])
    op.create_index('ix_feedback_solution_id', 'feedback', ['solution_id'])
    op.create_table('question',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('solution_id', sa.Integer(), nullable=False),
    sa.Column('mark', sa.String(length=64), nullable=False),
    sa.Column('asked_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('answered_at', hub.models.base.Moment(timezone=True), nullable=True),
    sa.Column('answer', sa.JSON(none_as_null=True), nullable=True),
    sa.CheckConstraint("kind IN ('preview', 'why')", name=op.f('ck_question_kind')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_question_call_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question')),
    sa.UniqueConstraint('kind', 'call_id', 'solution_id', name=op.f('uq_question_kind_call_id_solution_id'))
    )
    op.create_index('ix_question_answered_at', 'question', ['answered_at'])
    op.create_table('audit_report',
    sa.Column('week', sa.String(length=8), nullable=False),
    sa.Column('made_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.Column('dial', sa.Double(), nullable=False),
    sa.Column('next_dial', sa.Double(), nullable=False),
    sa.Column('figures', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('week', name=op.f('pk_audit_report'))
    )
    with op.batch_alter_table('epoch') as batch_op:
        batch_op.add_column(sa.Column('model', sa.String(length=200), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('dealt_at', hub.models.base.Moment(timezone=True), nullable=True))
    with op.batch_alter_table('epoch') as batch_op:
        batch_op.alter_column('model', server_default=None)
    with op.batch_alter_table('desk') as batch_op:
        batch_op.add_column(sa.Column('capacity', sa.Integer(), nullable=True))
        batch_op.create_check_constraint(op.f('ck_desk_capacity'), "capacity IS NULL OR capacity > 0")


def downgrade() -> None:
    with op.batch_alter_table('epoch') as batch_op:
        batch_op.drop_column('dealt_at')
        batch_op.drop_column('model')
    with op.batch_alter_table('desk') as batch_op:
        batch_op.drop_constraint(op.f('ck_desk_capacity'), type_='check')
        batch_op.drop_column('capacity')
    for table in ('audit_report', 'question', 'feedback', 'standing', 'place', 'match_list'):
        op.drop_table(table)
    with op.batch_alter_table('match') as batch_op:
        batch_op.drop_index('ix_match_firm_id_score')
        for column in ('town_id', 'firm_id', 'raw', 'prose'):
            batch_op.drop_column(column)
    with op.batch_alter_table('vector') as batch_op:
        batch_op.drop_column('serial')
        batch_op.drop_column('gone')
