"""The worst case: which few restrictions would hurt a country, or a group of them, most."""

from lodeline.studies.worst_case.study import run_worst_case

__all__ = ["run_worst_case"]
