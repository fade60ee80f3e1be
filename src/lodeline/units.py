"""Units, fixed once: tonnes, US dollars, months.

Quantities are tonnes of the unit that the chain states for a form (contained element, or gross
weight where no content is published). Flows inside a study are tonnes per month. Money is current
US dollars of the base year. Months are whole calendar months.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass

from lodeline.errors import InputError

__all__ = ["DAYS_PER_YEAR", "MONTHS_PER_YEAR", "Month"]

MONTHS_PER_YEAR = 12
DAYS_PER_YEAR = 365.0


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month.

    Examples
    --------
    >>> Month.parse("2026-01") + 14
    Month(year=2027, month=3)
    >>> Month(2027, 3) - Month(2026, 1)
    14
    """

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``YYYY-MM`` or ``YYYY-MM-DD`` (the day is dropped).

        Raises
        ------
        InputError
            If the text is no such date.
        """
        match = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", text)
        if not match or not 1 <= int(match[2]) <= MONTHS_PER_YEAR:
            raise InputError(f"'{text}' is no month. Write YYYY-MM, for example 2026-01.")
        year, month = int(match[1]), int(match[2])
        if match[3] is not None and not 1 <= int(match[3]) <= monthrange(year, month)[1]:
            raise InputError(f"'{text}' is no day of {year:04d}-{month:02d}. Correct the day.")
        return cls(year, month)

    def __add__(self, months: int) -> Month:
        """Return the month that lies `months` later."""
        index = self.year * MONTHS_PER_YEAR + self.month - 1 + months
        return Month(index // MONTHS_PER_YEAR, index % MONTHS_PER_YEAR + 1)

    def __sub__(self, other: Month) -> int:
        """Return the number of months from `other` to this one."""
        return (self.year - other.year) * MONTHS_PER_YEAR + self.month - other.month

    def __str__(self) -> str:
        """Return ``YYYY-MM``."""
        return f"{self.year:04d}-{self.month:02d}"
