"""Embeddings"""

import sqlalchemy as sa
from alembic import op
import hub.models.base

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('embedding',
    sa.Column('model', sa.String(length=200), nullable=False),
    sa.Column('digest', sa.String(length=32), nullable=False),
    sa.Column('vector', sa.LargeBinary(), nullable=False),
    sa.Column('made_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('model', 'digest', name=op.f('pk_embedding'))
    )
    op.create_table('embedding_model',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('passages_version', sa.Integer(), nullable=False),
    sa.Column('adopted_at', hub.models.base.Moment(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_embedding_model'))
    )


def downgrade() -> None:
    op.drop_table('embedding_model')
    op.drop_table('embedding')
