"""What a model's evaluation found, whole, for its page"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_evaluation",
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("found", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("model_id", name="pk_model_evaluation"),
    )


def downgrade() -> None:
    op.drop_table("model_evaluation")
