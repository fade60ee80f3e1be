"""A user's own purchases: the measures of exposure, and a risk-preparedness summary."""

from lodeline.studies.purchases.assess import assess_purchases, known_names

__all__ = ["assess_purchases", "known_names"]
