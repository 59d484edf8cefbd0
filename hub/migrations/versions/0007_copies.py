"""Which listing stands for one that says nearly the same"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('match_state', sa.Column('original_id', sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('match_state') as batch_op:
        batch_op.drop_column('original_id')
