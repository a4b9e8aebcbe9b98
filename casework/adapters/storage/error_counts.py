"""Errors of the database as a figure. Apart from the others: what counts without a database must not bring one in."""

from collections.abc import Callable

import sqlalchemy as sa

from casework.adapters.metrics import DATABASE_ERRORS, OTHER


def count_database_errors(engine: sa.Engine, may_retry: Callable[[sa.exc.DBAPIError], bool]) -> None:
    """From here on, by whether the work is tried again. A second copy that is refused is no error."""

    def count(context: sa.engine.ExceptionContext) -> None:
        error = context.sqlalchemy_exception
        if isinstance(error, sa.exc.IntegrityError):
            return
        again = isinstance(error, sa.exc.DBAPIError) and may_retry(error)
        DATABASE_ERRORS.labels("tried_again" if again else OTHER).inc()

    sa.event.listen(engine, "handle_error", count)
