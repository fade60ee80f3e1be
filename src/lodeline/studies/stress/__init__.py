"""Stress: if a supplier restricts, who runs short of what, when, for how long, at what price."""

from lodeline.studies.stress.plan import Progress, default_base_year
from lodeline.studies.stress.study import Mode, run_both, run_stress

__all__ = ["Mode", "Progress", "default_base_year", "run_both", "run_stress"]
