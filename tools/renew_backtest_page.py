"""Put the tables of the backtest, as it stands, into docs/backtest.md.

Run it after any change of episodes, contents of chains or the market of the backtest, read what has
moved, and say so in the changelog.

    .venv/bin/python tools/renew_backtest_page.py
"""

from __future__ import annotations

from pathlib import Path

from lodeline.report.backtest import backtest_markdown
from lodeline.studies.backtest.study import run_backtest

PAGE = Path(__file__).parents[1] / "docs" / "backtest.md"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"


def main() -> None:
    """Replace what stands between the marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    tables = backtest_markdown(run_backtest())
    PAGE.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
