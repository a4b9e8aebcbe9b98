"""Time arithmetic where the two dialects differ."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class seconds_between(FunctionElement[float]):
    """Seconds from the first moment to the second, to the millisecond."""

    type = sa.Float()
    inherit_cache = True


class utc_hour(FunctionElement[str]):
    """The hour of a moment in UTC, as `2026-11-21 12`."""

    type = sa.String()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _seconds_in_sqlite(element: Any, compiler: Any, **values: Any) -> str:
    earlier, later = (compiler.process(each, **values) for each in element.clauses)
    return f"round((julianday({later}) - julianday({earlier})) * 86400.0, 3)"


@compiles(seconds_between, "postgresql")
def _seconds_in_postgresql(element: Any, compiler: Any, **values: Any) -> str:
    earlier, later = (compiler.process(each, **values) for each in element.clauses)
    return f"round(extract(epoch from ({later} - {earlier}))::numeric, 3)::double precision"


@compiles(utc_hour, "sqlite")
def _hour_in_sqlite(element: Any, compiler: Any, **values: Any) -> str:
    return f"substr({compiler.process(element.clauses, **values)}, 1, 13)"


@compiles(utc_hour, "postgresql")
def _hour_in_postgresql(element: Any, compiler: Any, **values: Any) -> str:
    moment = compiler.process(element.clauses, **values)
    return f"to_char({moment} at time zone 'UTC', 'YYYY-MM-DD HH24')"
