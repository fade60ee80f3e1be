"""Complementarity: who could help whom, with what, if a third country restricts."""

from lodeline.studies.complementarity.study import run_complementarity

__all__ = ["run_complementarity"]
