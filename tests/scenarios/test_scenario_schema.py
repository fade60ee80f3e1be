import json

from lodeline.scenarios.schema import scenario_schema


def test_every_field_is_described():
    schema = scenario_schema()
    parts = [schema, *schema["$defs"].values()]
    for part in parts:
        for name, field in part.get("properties", {}).items():
            is_described = "description" in field or "const" in field
            assert is_described, f"{part['title']}.{name}"


def test_unknown_keys_are_refused_and_bare_numbers_are_not():
    schema = scenario_schema()
    assert schema["additionalProperties"] is False
    share = json.dumps(schema["$defs"]["Share"])
    assert '"number"' in share
    assert '"maximum": 1' in share


def test_the_start_may_be_left_out():
    assert "start" not in scenario_schema()["required"]


def test_a_step_of_retaliation_needs_no_start():
    kinds = [part for part in scenario_schema()["$defs"].values()
             if "follows" in part.get("properties", {})]  # fmt: skip
    assert len(kinds) == 12
    for part in kinds:
        assert "start" not in part["required"]
        assert {"required": ["follows"]} in part["anyOf"]
        assert {"required": ["start"]} in part["anyOf"]
        assert part["additionalProperties"] is False
