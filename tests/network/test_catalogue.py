"""The catalogue: every chain of the package is sound, every damaged file is one message."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from lodeline import data
from lodeline.errors import InputError, SpecError, UnknownNameError
from lodeline.network.catalogue import (
    chain_ids,
    chain_text,
    load_all,
    load_chain,
    parse_chain,
)
from lodeline.network.chain import Chain, Parameter, SharesOfWorld, TableOutput
from lodeline.network.chain_problems import cross_problems, field_problems

CONTRACT = {"rare-earths", "lithium", "cobalt", "graphite", "nickel", "tungsten", "antimony", "lng"}
CHAINS = load_all()
DOCS = Path(__file__).parents[2] / "docs" / "chains.md"


def example() -> str:
    return re.search(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[1]


def figures(value):
    if isinstance(value, Parameter):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from figures(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from figures(item)
    elif hasattr(type(value), "model_fields"):
        for name in type(value).model_fields:
            yield from figures(getattr(value, name))


def problems_of(text):
    with pytest.raises(SpecError) as caught:
        parse_chain(text.encode(), source="mine.toml")
    return {p.place: p for p in caught.value.problems}


def test_the_chains_of_the_contract_are_there():
    assert set(chain_ids()) >= CONTRACT
    assert len(chain_ids()) >= 18


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_identifier_is_the_name_of_the_file_and_limits_are_stated(chain):
    assert chain.id in chain_ids()
    assert load_chain(chain.id) is CHAINS[chain.id]
    assert len(chain.limits) >= 2
    assert all(sentence.endswith(".") for sentence in chain.limits)


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_every_figure_has_a_source_and_an_assumed_one_has_a_range(chain):
    found = list(figures(chain))
    assert len(found) >= 11
    for figure in found:
        assert len(figure.source) >= 20, figure
        assert not figure.assumed or figure.low < figure.high or figure.value == 1.0, figure


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_codes_countries_and_tables_exist_in_the_dataset(chain):
    codes, places = set(data.products()["code"]), set(data.countries()["iso3"])
    named = {s.country for s in chain.stocks} | {e.exporter for e in chain.exclusions}
    named |= {e.importer for e in chain.exclusions if e.importer}
    named |= {c for r in chain.recipes for c in r.share_by_country}
    for form in chain.forms:
        assert {c.code for c in form.codes} <= codes
        named |= {origin for c in form.codes for origin in c.origins}
        for output in (form.output, form.fallback):
            if isinstance(output, TableOutput):
                assert data.production(output.commodity, stage=output.stage).height > 3
            elif isinstance(output, SharesOfWorld):
                shares = data.stage_shares(output.material, output.stage)
                assert output.share_year in shares["year"].to_list()
    assert named <= places


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_short_run_elasticities_stay_far_below_long_run_trade_elasticities(chain):
    assert chain.behaviour.trade_elasticity.value <= 8
    # Estimates of the backtest reach beyond one: over a year or two users answer more.
    assert chain.behaviour.demand_elasticity.value < 2.0


def test_every_exclusion_takes_something_away():
    for chain in CHAINS.values():
        for rule in chain.exclusions:
            rows = data.trade(rule.code, years=rule.years)
            hit = rows.filter(rows["exporter"].cast(str) == rule.exporter)
            if rule.importer:
                hit = hit.filter(hit["importer"].cast(str) == rule.importer)
            assert hit.height > 0, (chain.id, rule)


def test_the_chain_of_the_docs_loads_builds_and_balances(tmp_path):
    from lodeline.network import build_network

    file = tmp_path / "molybdenum.toml"
    file.write_text(example(), encoding="utf-8")
    chain = load_chain(file)
    assert chain == load_chain(str(file))
    network = build_network(chain, base_year=2022)
    assert network.nodes > 20
    assert network.activities > network.nodes


def test_the_docs_name_every_key_and_every_chain():
    from lodeline.network import chain as schema

    text = DOCS.read_text(encoding="utf-8")
    for name in schema.__all__:
        for key in getattr(getattr(schema, name), "model_fields", {}):
            assert f"`{key}`" in text or f".{key}`" in text, (name, key)
    assert all(f"`{chain}`" in text for chain in chain_ids())


def test_all_problems_come_at_once_with_line_value_and_remedy():
    text = (
        example()
        .replace('title = "Molybdenum ore"', 'titel = "Molybdenum ore"')
        .replace('basis = "contained"', 'basis = "nett"')
        .replace('commodity = "molybdenum"', 'comodity = "molybdenum"')
        .replace("[2015, 2024]", "[2024, 2015]")
        .replace('kind = "net-exports"', 'kind = "net-export"')
        .replace("surge = { value = 0.1,", 'surge = { value = "a tenth",')
        .replace('country = "JPN"', 'country = "JPN"\nform = "concentrat"')
    )
    found = problems_of(text)
    assert set(found) == {
        "title",
        "titel",
        "forms[0].basis",
        "forms[0].output.comodity",
        "forms[0].output.commodity",
        "forms[0].fallback",
        "behaviour.surge.value",
        "exclusions[0].years",
        "stocks[0].form",
    }
    rows = text.splitlines()
    for place, word in [("titel", "titel"), ("forms[0].basis", "nett"), ("stocks[0].form", "rat")]:
        assert word in rows[found[place].line - 1]
    assert "Did you mean 'title'?" in found["titel"].remedy
    assert "Did you mean 'commodity'?" in found["forms[0].output.comodity"].remedy
    assert "Did you mean 'net-exports'?" in found["forms[0].fallback"].remedy
    assert "Did you mean 'concentrate'?" in found["stocks[0].form"].remedy
    assert "nett" in found["forms[0].basis"].what
    assert "'a tenth'" in found["behaviour.surge.value"].what


def test_names_that_the_dataset_does_not_have_are_problems_with_a_suggestion():
    found = problems_of(
        example()
        .replace('"261390"', '"261395"')
        .replace("ARM =", "ARX =")
        .replace('"BEL"', '"BEX"')
        .replace('"molybdenum"\nfactor', '"molybdenium"\nstage = "mined"\nfactor')
        .replace('kind = "net-exports"', 'kind = "shares"\nmaterial = "lithium"\nstage = "x"')
    )
    assert "no code '261395'" in found["forms[0].codes[0].code"].what
    assert "no country 'ARX'" in found["forms[0].codes[0].origins.ARX"].what
    assert "no country 'BEX'" in found["exclusions[0].importer"].what
    assert "Did you mean 'molybdenum'" in found["forms[0].output.commodity"].remedy
    assert "no stage of 'lithium'" in found["forms[0].fallback.stage"].what
    assert "forms[0].output.stage" not in found


def test_recipes_that_do_not_fit_the_forms_are_named():
    recipe = """
[[recipes]]
id = "roasting"
makes = "concentrate"
share_of_output = { value = 1, low = 1, high = 1, source = "reason" }
inputs.oxide = { value = 1, low = 1, high = 1, source = "reason" }
inputs.concentrate = { value = 1, low = 1, high = 1, source = "reason" }
"""
    found = problems_of(example() + recipe)
    assert "unknown form 'oxide'" in found["recipes[0].inputs.oxide"].what
    assert "does not come before" in found["recipes[0].inputs.concentrate"].what


def test_a_syntax_error_gives_its_line():
    with pytest.raises(SpecError) as caught:
        parse_chain(b'id = "a"\ntitle = "b\n', source="mine.toml")
    (problem,) = caught.value.problems
    assert problem.line == 2
    assert "TOML" in problem.what


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"  \n",
        b"\xff\xfe\x00\x01",
        b"PAR1\x00\x15\x04",
        b"id = \x00",
        b"a = " + b"[" * 5000,
        b"a = " + b"9" * 5000,
        b"a = 1e999999",
        b"a = 2020-13-45",
        b'a = "\\ud800"',
        b"id = 1\nid = 2\n",
        b"forms = 3\nrecipes = 1\nstocks = {}\nexclusions = [1, [2]]\nbehaviour = []\n",
        b"[[forms]]\ncodes = [3, {code = [1]}]\noutput = {kind = [1]}\nid = [1]\n[forms.x]\n",
        b"[[recipes]]\ninputs = [1]\nmakes = {}\n[[recipes]]\ninputs = {a = 1, 'B c' = {}}\n",
        b"[forms]\nid = 'a'\n[forms.output]\nkind = 'table'\n",
    ],
)
def test_damage_is_one_spec_error(raw):
    with pytest.raises(SpecError) as caught:
        parse_chain(raw, source="mine.toml")
    assert caught.value.problems
    assert str(caught.value).startswith("mine.toml: ")
    assert all(p.what and p.remedy for p in caught.value.problems)


def refused(raw):
    try:
        parse_chain(raw, source="mine.toml")
    except SpecError as error:
        return bool(error.problems)
    return False


def test_a_file_cut_off_anywhere_never_gets_through_as_another_error():
    raw = example().encode()
    behaviour = raw.index(b"rebuild =")
    assert not refused(raw)
    assert all(refused(raw[:end]) for end in range(0, behaviour, 41))
    assert {refused(raw[:end]) for end in range(behaviour, len(raw), 11)} == {True, False}


def _places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, dict | list):
            yield from _places(item, (*path, key))
        else:
            yield (*path, key)


def explained(document):
    """Whether the schema takes the document, or every refusal ends in a problem in words."""
    between = list(cross_problems(document, {}))
    try:
        Chain.model_validate(document)
    except ValidationError as error:
        return bool(between or list(field_problems(error, document, {})))
    return True


@pytest.mark.parametrize("junk", [None, -1, float("nan"), "x", [], {}, [[1]], True])
def test_junk_anywhere_in_a_document_is_named_or_harmless(junk):
    text = chain_text("rare-earths")
    for place in list(_places(tomllib.loads(text)))[1::3]:
        document = tomllib.loads(text)
        target = document
        for part in place[:-1]:
            target = target[part]
        target[place[-1]] = junk
        assert explained(document), place


def test_unknown_chain_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'rare-earths'"):
        load_chain("rare-earth")


@pytest.mark.parametrize(
    ("name", "told"),
    [("bauxite", "form 'bauxite': aluminium."), ("magnets", "form 'magnets': rare-earth-magnets."),
     ("Rare earths", "material 'rare-earths': heavy-rare-earths, rare-earth-magnets, rare-earths")],
)  # fmt: skip
def test_a_form_or_material_in_place_of_a_chain_is_told_where_it_is(name, told):
    with pytest.raises(UnknownNameError, match=told):
        load_chain(name)


def test_files_that_cannot_be_read_are_input_errors(tmp_path):
    big = tmp_path / "big.toml"
    big.write_bytes(b"#" * 1_000_001)
    for path in (tmp_path / "none.toml", tmp_path, big, "a\0b.toml"):
        with pytest.raises(InputError) as caught:
            load_chain(path)
        assert caught.value.exit_code == 2
