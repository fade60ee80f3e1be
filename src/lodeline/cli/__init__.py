"""The command line: a verb per study."""
