"""Lodeline measures, stress-tests and plans critical-mineral supply chains."""

__version__ = "0.1.0"
