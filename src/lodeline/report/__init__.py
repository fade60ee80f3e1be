"""Results shown: tables, charts, the HTML report. No arithmetic of their own."""
