"""Ensembles: thousands of futures drawn from what is uncertain, and what they have in common."""

from lodeline.studies.ensemble.study import PART, plan_of, run_ensemble

__all__ = ["PART", "plan_of", "run_ensemble"]
