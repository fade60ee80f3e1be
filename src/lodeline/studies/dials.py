"""The uncertain numbers of a study, and how to turn each of them.

A dial is one number of the scenario or of a chain with a range. Sensitivities turn one at a time,
ensembles all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lodeline.network import BaseYear, Origin
from lodeline.network.base_year import base_year
from lodeline.network.chain import Behaviour, Chain, Parameter
from lodeline.network.stocks import StockRule
from lodeline.scenarios.restrictions import Restriction, Uncertain
from lodeline.scenarios.stock_rule import Stocks

__all__ = ["INFERRED", "Dial", "Setting", "dials_of", "with_concentration"]

INFERRED = "inferred"
"""How the keys of dials begin that change the base year itself."""


@dataclass(frozen=True)
class Setting:
    """What a run starts from: a base year with its chain, restrictions, reserves, lead times.

    `origin` is what `origin_kept_apart` finds; without it every run traces it anew.
    """

    base: BaseYear
    restrictions: tuple[Restriction, ...]
    rule: StockRule | None = None
    lead_time: bool = False
    origin: Origin | None = None


@dataclass(frozen=True)
class Dial:
    """One uncertain number.

    Attributes
    ----------
    key
        Stable identifier (``behaviour.demand_elasticity``, ``restriction.rare-earths.leakage``).
    label
        Name in words, for readers.
    unit
        Unit in words.
    value, low, high
        Central value and range.
    source, assumed
        Where it comes from; whether no source publishes it.
    turn
        Returns the setting with the number at another value.
    lognormal
        Whether the range holds the middle 80 % of a lognormal distribution, or all there is.
    inferred_form
        Form whose inferred lanes it moves.
    """

    key: str
    label: str
    unit: str
    value: float
    low: float
    high: float
    source: str
    assumed: bool
    turn: Callable[[Setting, float], Setting]
    lognormal: bool = False
    inferred_form: str | None = None


_BEHAVIOUR = {
    "demand_elasticity": ("elasticity of demand", "1"),
    "supply_elasticity": ("elasticity of output", "1"),
    "processing_elasticity": ("elasticity of processing", "1"),
    "trade_elasticity": ("elasticity of trade", "1"),
    "surge": ("output that can be added at once", "share of output"),
    "lane_growth": ("growth limit of lanes", "share a month"),
    "entry_cost": ("cost of reopening a lane", "share of price"),
    "stock_days": ("stocks of users", "days of use"),
    "trader_days": ("stocks of traders", "days of use"),
    "stock_elasticity": ("elasticity of stocks", "1"),
    "rebuild": ("rebuilding of stocks", "share of normal stock a month"),
}
_RESTRICTION = {
    "severity": ("severity", "share"),
    "leakage": ("leakage", "share of lost flow"),
    "share_of_base": ("quota", "share of base year"),
    "tonnes_per_year": ("quota", "t a year"),
    "delay_months": ("delay of licences", "months"),
    "approval_share": ("share of licences approved", "share"),
    "rate": ("rate of tax", "share of price"),
    "recovery_months": ("recovery", "months"),
    "leakage_later": ("leakage later", "share of lost flow"),
    "leakage_months": ("months until leakage is there", "months"),
    "de_minimis": ("content that is exempt", "share of supply"),
    "floor": ("price floor", "multiple of price"),
    "diverted": ("ships that go round", "share of those stopped"),
    "cost_per_day": ("cost of a day more at sea", "share of price"),
    "rise": ("rise of demand", "share of use"),
    "fade_months": ("fading of demand", "months"),
    "extra_days": ("stock that users want more", "days of use"),
    "share": ("share of reserves released", "share of reserve"),
    "over_months": ("months of release", "months"),
    "build_months": ("months to build it up", "months"),
}


_RULE = {
    "hold_days": ("what reserves never go below", "days of use"),
    "trigger": ("price that opens reserves", "multiple of price"),
    "empty_at": ("price that empties reserves", "multiple of price"),
    "release_share": ("release of reserves a month", "share of reserve"),
}


def dials_of(
    base: BaseYear, restrictions: Sequence[Restriction], stocks: Stocks | None = None
) -> tuple[Dial, ...]:
    """Return the dials of one chain and the restrictions on it, the scenario's first.

    Parameters
    ----------
    base
        Base year of the chain.
    restrictions
        Restrictions of the scenario; those of other chains are left out.
    stocks
        Rule of the reserves; its numbers are turned where the chain knows a reserve.
    """
    chain = base.chain
    own = [r for r in restrictions if r.chain == chain.id]
    out = [_restriction_dial(r, name) for r in own for name in _RESTRICTION if _has(r, name)]
    given = [name for name in _BEHAVIOUR if getattr(chain.behaviour, name) is not None]
    out += [_behaviour_dial(chain.behaviour, name) for name in given]
    out += [_stock_dial(chain, k) for k in range(len(chain.stocks))]
    out += [_onward_dial(chain, k) for k, form in enumerate(chain.forms) if form.onward_price]
    out += [_lanes_dial(chain, k) for k, form in enumerate(chain.forms) if form.inferred]
    if stocks is not None and chain.stocks:
        out += [_rule_dial(stocks, name) for name in stocks.numbers]
    return tuple(out)


def _rule_dial(stocks: Stocks, name: str) -> Dial:
    number: Uncertain = getattr(stocks, name)
    words, unit = _RULE[name]

    def turn(setting: Setting, value: float) -> Setting:
        assert setting.rule is not None
        changed: dict[str, Any] = {name: value}
        return replace(setting, rule=replace(setting.rule, **changed))

    return Dial(
        f"rule.{name}", words, unit, number.value, number.low, number.high, number.source,
        number.assumed, turn,
    )  # fmt: skip


def _has(restriction: Restriction, name: str) -> bool:
    return isinstance(getattr(restriction, name, None), Uncertain)


def _restriction_dial(restriction: Restriction, name: str) -> Dial:
    number: Uncertain = getattr(restriction, name)
    words, unit = _RESTRICTION[name]

    def turn(setting: Setting, value: float) -> Setting:
        # The pinned number keeps the range open at neither end: it is this value now.
        pinned = type(number)(value=value, low=value, high=value)
        # The setting's own restriction, of which other dials may have been turned already.
        turned = tuple(
            r.model_copy(update={name: pinned}) if r.id == restriction.id else r
            for r in setting.restrictions
        )
        return replace(setting, restrictions=turned)

    return Dial(
        f"restriction.{restriction.id}.{name}", f"{words} ({restriction.id})", unit,
        number.value, number.low, number.high,
        number.source or restriction.source, number.assumed, turn,
    )  # fmt: skip


def _behaviour_dial(behaviour: Behaviour, name: str) -> Dial:
    number: Parameter = getattr(behaviour, name)
    words, unit = _BEHAVIOUR[name]

    def turn(setting: Setting, value: float) -> Setting:
        chain = setting.base.chain
        changed = chain.behaviour.model_copy(update={name: _pinned(number, value)})
        return _with_chain(setting, chain.model_copy(update={"behaviour": changed}))

    return Dial(
        f"behaviour.{name}", words, unit, number.value, number.low, number.high,
        number.source, number.assumed, turn, number.lognormal,
    )  # fmt: skip


def _stock_dial(chain: Chain, k: int) -> Dial:
    stock = chain.stocks[k]

    def turn(setting: Setting, value: float) -> Setting:
        now = setting.base.chain
        changed = now.stocks[k].model_copy(update={"days": _pinned(stock.days, value)})
        stocks = (*now.stocks[:k], changed, *now.stocks[k + 1 :])
        return _with_chain(setting, now.model_copy(update={"stocks": stocks}))

    where = f"{stock.country}.{stock.form}" if stock.form else stock.country
    return Dial(
        f"stocks.{where}", f"state stock, {stock.country}", "days of use", stock.days.value,
        stock.days.low, stock.days.high, stock.days.source, stock.days.assumed, turn,
    )  # fmt: skip


def _onward_dial(chain: Chain, k: int) -> Dial:
    form = chain.forms[k]
    number = form.onward_price
    assert number is not None

    def turn(setting: Setting, value: float) -> Setting:
        now = setting.base.chain
        changed = now.forms[k].model_copy(update={"onward_price": _pinned(number, value)})
        forms = (*now.forms[:k], changed, *now.forms[k + 1 :])
        return _with_chain(setting, now.model_copy(update={"forms": forms}))

    return Dial(
        f"forms.{form.id}.onward_price", f"most that processors pay ({form.id})",
        "multiple of price", number.value, number.low, number.high, number.source,
        number.assumed, turn,
    )  # fmt: skip


def _lanes_dial(chain: Chain, k: int) -> Dial:
    """Return the dial between the two fits of a form whose lanes are inferred."""
    form = chain.forms[k]
    assert form.inferred is not None
    number = form.inferred.concentration

    def turn(setting: Setting, value: float) -> Setting:
        chain = with_concentration(setting.base.chain, {form.id: value})
        # Other lanes are another base year: the curves alone would not move the flows.
        return replace(setting, base=base_year(chain, setting.base.year), origin=None)

    return Dial(
        f"{INFERRED}.{form.id}.concentration", f"concentration of inferred lanes ({form.id})",
        "1", number.value, number.low, number.high, number.source, number.assumed, turn,
        inferred_form=form.id,
    )  # fmt: skip


def with_concentration(chain: Chain, values: Mapping[str, float]) -> Chain:
    """Return a chain with the lanes of forms between their two fits (0 to 1, by form)."""
    forms = []
    for form in chain.forms:
        how = form.inferred
        if how is not None and form.id in values:
            number = _pinned(how.concentration, values[form.id])
            how = how.model_copy(update={"concentration": number})
            form = form.model_copy(update={"inferred": how})
        forms.append(form)
    return chain.model_copy(update={"forms": tuple(forms)})


def _pinned(number: Parameter, value: float) -> Parameter:
    return number.model_copy(update={"value": value, "low": value, "high": value})


def _with_chain(setting: Setting, chain: Chain) -> Setting:
    return replace(setting, base=replace(setting.base, chain=chain))
