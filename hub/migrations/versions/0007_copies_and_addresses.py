"""Which listing stands for its copies; whether an address was ever answered from"""

import sqlalchemy as sa
from alembic import op
import hub.models.base

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('match_state', sa.Column('original_id', sa.Integer(), nullable=True))
    op.add_column('user', sa.Column('email_confirmed_at', hub.models.base.Moment(timezone=True), nullable=True))
    op.add_column('digest', sa.Column('mailed', sa.Integer(), nullable=False, server_default='0'))
    # Who has confirmed an alert has followed a link that was mailed to the address.
    op.execute(
        'UPDATE "user" SET email_confirmed_at = (SELECT min(alert.confirmed_at) FROM alert'
        ' WHERE alert.email_key = "user".email_key)'
    )


def downgrade() -> None:
    # Not by making the tables anew: dropping those would empty what points to them.
    op.drop_column('digest', 'mailed')
    op.drop_column('user', 'email_confirmed_at')
    op.drop_column('match_state', 'original_id')
