"""Numbers as readers see them: few digits, their units, and a reason for what is absent.

Spaces inside a figure are no-break spaces, so that a number never leaves its unit.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from lodeline.units import Month

__all__ = [
    "ABSENT",
    "SPACE",
    "WIDTH",
    "Cell",
    "absent",
    "between",
    "count",
    "is_absent",
    "join",
    "location",
    "magnitude",
    "money",
    "month",
    "months",
    "parameter",
    "plain",
    "possessive",
    "quantity",
    "share",
    "share_range",
    "shorten",
    "span",
    "times",
    "tonnes",
    "wrapped",
]

WIDTH = 80
"""Columns of a terminal."""

ABSENT = "–"
"""What stands for a value that is absent; never a zero."""

SPACE = "\u00a0"
"""A space that never breaks the line."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SCALES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_SMALLEST_SHARE = 0.001
_SMALLEST_AMOUNT = 0.01
_MANY = 1e6
_WITH_ARTICLE = {"Netherlands", "Philippines", "USA", "Bahamas", "Gambia", "EU", "EU27", "G7"}


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes
    ----------
    text
        What is shown.
    reason
        Why the value is absent; empty where it is there.
    href
        Address the text leads to; empty for none.
    strong
        True for the cells that carry the message.
    """

    text: str
    reason: str = ""
    href: str = ""
    strong: bool = False


def absent(reason: str) -> Cell:
    """Return the cell of a value that is absent."""
    return Cell(ABSENT, reason)


def is_absent(value: float | None) -> bool:
    """Return whether there is no number: null or not a number.

    Examples
    --------
    >>> is_absent(None), is_absent(0.0)
    (True, False)
    """
    return value is None or math.isnan(value)


def magnitude(value: float, *, is_exact: bool = False) -> str:
    """Return a number with three significant digits (two below 1) and thousands separators.

    Zeros at the end stay (``3.70``) unless the number is exact, as a parameter is (``3.7``).

    Examples
    --------
    >>> magnitude(12345.6), magnitude(3.7), magnitude(3.7, is_exact=True)
    ('12,300', '3.70', '3.7')
    """
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return "infinite" if value > 0 else "minus infinite"
    digits = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    if abs(rounded) >= 100:
        return _signed(f"{rounded:,.0f}")
    if is_exact and abs(rounded) < 1e-3:
        return _signed(f"{value:.0e}".replace("e-0", "e-"))
    digits = 2 - math.floor(math.log10(abs(rounded)))
    if not is_exact and digits > 2:
        if abs(value) < _SMALLEST_AMOUNT:
            return f"<{SPACE}{_SMALLEST_AMOUNT}" if value > 0 else f"−{_SMALLEST_AMOUNT}{SPACE}<"
        digits -= 1
    text = f"{rounded:.{max(digits, 0)}f}"
    return _signed(text.rstrip("0").rstrip(".") if is_exact else text)


def _signed(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text


def plain(value: float | None) -> str:
    """Return a parameter: three significant digits, or the sign for absent."""
    return ABSENT if value is None or is_absent(value) else magnitude(value, is_exact=True)


def parameter(value: float | None, unit: str) -> str:
    """Return a parameter with its unit; shares as percentages, pure numbers bare.

    Examples
    --------
    >>> parameter(0.2, "share of lost flow").replace(SPACE, " "), parameter(45, "days of use")
    ('20 %', '45 days of use')
    """
    if unit.split(" ")[0] == "share":
        return share(value, is_exact=True)
    return plain(value) if unit in {"", "1"} else f"{plain(value)} {unit}"


def quantity(value: float | None) -> str:
    """Return a quantity whose unit stands in the heading."""
    return ABSENT if value is None or is_absent(value) else magnitude(value)


def share(value: float | None, *, is_exact: bool = False) -> str:
    """Return a share as a percentage: whole above 10 %, else one decimal; none if exact.

    Examples
    --------
    >>> [share(v).replace(SPACE, " ") for v in (0.374, 0.00004, 0.0)]
    ['37 %', '< 0.1 %', '0 %']
    """
    if value is None or is_absent(value):
        return ABSENT
    text = _percent(value).removesuffix(".0") if is_exact else _percent(value)
    return f"{text}{SPACE}%"


def _percent(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) < _SMALLEST_SHARE:
        return f"<{SPACE}0.1" if value > 0 else f"−0.1{SPACE}<"
    if abs(value) < 0.0995:
        return _signed(f"{value:.1%}"[:-1])
    return _signed(f"{value:.0%}"[:-1])


def span(low: float | None, high: float | None) -> str:
    """Return a range of shares without words: ``21–52 %``.

    Examples
    --------
    >>> span(0.21, 0.52).replace(SPACE, " ")
    '21–52 %'
    """
    if low is None or high is None or is_absent(low) or is_absent(high):
        return ABSENT
    first, last = _percent(low), _percent(high)
    return f"{first}{SPACE}%" if first == last else f"{first}–{last}{SPACE}%"


def share_range(value: float | None, low: float | None, high: float | None) -> str:
    """Return a share with its range: ``37 % (range 21–52 %)``."""
    text = span(low, high)
    return f"{share(value)} (range {text})" if text != ABSENT else share(value)


def between(low: float | None, high: float | None) -> str:
    """Return the range of a parameter: ``0.1 to 0.4``."""
    if low is None or high is None or is_absent(low) or is_absent(high):
        return ABSENT
    if low == high:
        return plain(low)
    return f"{plain(low)} to {plain(high)}"


def tonnes(value: float | None, unit: str) -> str:
    """Return a quantity with its unit in words (``t REO``)."""
    if value is None or is_absent(value):
        return ABSENT
    if abs(value) >= _MANY:
        return f"{magnitude(value / _MANY)}{SPACE}million{SPACE}{unit}"
    return f"{magnitude(value)}{SPACE}{unit}"


def money(value: float | None) -> str:
    """Return US dollars.

    Examples
    --------
    >>> money(3.42e8).replace(SPACE, " "), money(-1.2e9).replace(SPACE, " ")
    ('USD 342 million', '−USD 1.20 billion')
    """
    if value is None or is_absent(value):
        return ABSENT
    sign = "−" if value < 0 else ""
    size = abs(value)
    for scale, word in _SCALES:
        if size >= scale * 0.9995:
            return f"{sign}USD{SPACE}{magnitude(size / scale)}{SPACE}{word}"
    if size < 0.5:
        return f"USD{SPACE}0"
    return f"{sign}USD{SPACE}{magnitude(size)}"


def times(value: float | None) -> str:
    """Return a multiple as a table shows it: ``×3.1``."""
    return ABSENT if value is None or is_absent(value) else f"×{_multiple(value)}"


def _multiple(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 1.95 else f"{value:.2f}"


def count(number: float, noun: str, plural: str = "") -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> count(1, "country", "countries").replace(SPACE, " ")
    '1 country'
    """
    word = noun if number == 1 else plural or f"{noun}s"
    text = f"{number:,.0f}" if float(number).is_integer() else f"{number:.1f}"
    return f"{text}{SPACE}{word}"


def months(value: float | None) -> str:
    """Return a number of months in words."""
    return ABSENT if value is None or is_absent(value) else count(value, "month")


def month(text: str) -> str:
    """Return ``YYYY-MM`` as readers write it.

    Examples
    --------
    >>> month("2026-01").replace(SPACE, " ")
    'Jan 2026'
    """
    parsed = Month.parse(text)
    return f"{_MONTHS[parsed.month - 1]}{SPACE}{parsed.year}"


def join(words: Sequence[str], last: str = "and") -> str:
    """Return words as a list in a sentence.

    Examples
    --------
    >>> join(["Japan", "Italy", "France"])
    'Japan, Italy and France'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def shorten(text: str, most: int) -> str:
    """Return a text cut at a word, with dots, if it is longer than `most` letters.

    Examples
    --------
    >>> shorten("Mineral Commodity Summaries", 20)
    'Mineral Commodity …'
    """
    if len(text) <= most:
        return text
    kept = text[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:(")
    return f"{kept} …"


def location(name: str, *, first: bool = False) -> str:
    """Return a country's name with its article, capitalised where it opens a sentence.

    Examples
    --------
    >>> location("Netherlands"), location("Japan"), location("United States", first=True)
    ('the Netherlands', 'Japan', 'The United States')
    """
    if name in _WITH_ARTICLE or name.startswith(
        ("United ", "European Union", "Dem. ", "Rep. ", "Democratic ", "Republic ")
    ):
        return f"{'The' if first else 'the'} {name}"
    if name.endswith((" Republic", " Rep.", " Federation", " Islands")):
        return f"{'The' if first else 'the'} {name}"
    return name


def possessive(name: str) -> str:
    """Return the possessive of a country's name: ``Japan's``, ``the Philippines'``."""
    full = location(name)
    return f"{full}’" if full.endswith("s") else f"{full}’s"


def wrapped(text: str, indent: str = "") -> list[str]:
    """Return a text in lines of at most 80 columns; what goes on is set in below a list's mark.

    Numbers stay with their units; an empty text is one empty line.

    Examples
    --------
    >>> wrapped("- " + "word " * 20)[1]
    '  word word word word word'
    """
    hanging = indent + ("  " if indent or text.startswith("- ") else "")
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=hanging,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return [line.replace(SPACE, " ") for line in lines] or [""]
