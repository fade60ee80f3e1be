"""The scenario file as JSON Schema, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from lodeline.scenarios.spec import Scenario

__all__ = ["scenario_schema"]


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario file."""
    schema = Scenario.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
