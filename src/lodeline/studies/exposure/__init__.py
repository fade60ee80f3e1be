"""Exposure: on whom does a country depend? Published measures and Lodeline's own, one module each.

A measure is a module with ``measure(request)``; `registry` lists them, `frame` runs one.
"""

from lodeline.studies.exposure.registry import METHODS, Basis, Method, Request, Tonnes, Weight

__all__ = ["METHODS", "Basis", "Method", "Request", "Tonnes", "Weight"]
