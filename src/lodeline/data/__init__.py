"""Facts in: one module per source, tidy tables with provenance."""
