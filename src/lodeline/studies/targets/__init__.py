"""Targets of policy over time: what was promised, where it stands, how it moved."""

from lodeline.studies.targets.study import run_targets

__all__ = ["run_targets"]
