"""How an activity answers to its margin: response, slope and cost.

An activity's *margin* is what it earns for one unit of level, ``q = (Aᵀπ)ₐ`` (USD/t): a lane the
price at its destination less the price at its origin, a use the negative of the price it pays.
Every curve is monotone in the margin and passes through the reference: at ``q = mₐ`` the activity
runs at ``x̄ₐ``.

Legend, all of shape (activity,)
    q  margin                      USD/t
    m  margin at the reference     USD/t
    x̄  reference level             t/month
    h  slope of marginal cost      USD/t per t/month   (linear)
    P  price level                 USD/t               (iso-elastic)
    ε  elasticity, > 0             1                   (iso-elastic)
    K  cap price                   USD/t               (iso-elastic use)
    l, u  bounds                   t/month

Equations, before clipping to [l, u]
    linear  x = x̄ + (q − m)/h
    supply  x = x̄ (p/P)^ε            with p = P + q − m     (straight to zero below P/20)
    use     x = x̄ (p/P)^(−ε)         with p = P − (q − m)   (straight from K to zero at 1.05 K)

The cost is ``φ(x) = m x + ψ(x)`` with ``ψ(x) = ∫ d(s) ds`` from x̄ to x, where d inverts the curve
(d = q − m). Its conjugate is the surplus ``φ*(q) = q x(q) − φ(x(q))``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHOKE_OVER_CAP", "SUPPLY_KNEE", "CurveKind", "Curves"]

Vector = NDArray[np.float64]

SUPPLY_KNEE = 0.05
"""Below this multiple of the price an iso-elastic supply goes straight to zero (finite slope)."""
CHOKE_OVER_CAP = 1.05
"""Use is zero at this multiple of the cap price."""
USE_GLUT = 0.05
"""Below this multiple of the price an iso-elastic use grows no further."""


class CurveKind(IntEnum):
    """Shape of the response."""

    LINEAR = 0
    SUPPLY = 1
    USE = 2


@dataclass(frozen=True)
class Curves:
    """Responses of all activities.

    Attributes
    ----------
    kind
        `CurveKind` as int8, shape (activity,).
    reference, margin, slope, price, elasticity, cap, lower, upper
        See the legend of the module. `slope` must be positive and finite for linear curves;
        `price` and `elasticity` for the others, `cap` for use.
    """

    kind: NDArray[np.int8]
    reference: Vector
    margin: Vector
    slope: Vector
    price: Vector
    elasticity: Vector
    cap: Vector
    lower: Vector
    upper: Vector

    def with_bounds(self, lower: Vector, upper: Vector) -> Self:
        """Return the same curves between other bounds."""
        return replace(self, lower=lower, upper=upper)

    def with_extra_cost(self, extra: Vector) -> Self:
        """Return the curves with a cost per unit added (a tax), USD/t, shape (activity,)."""
        return replace(self, margin=self.margin + extra)

    def with_reference_factor(self, factor: Vector) -> Self:
        """Return the curves with everybody wanting `factor` times as much at every price."""
        return replace(self, reference=self.reference * factor, slope=self.slope / factor)

    def _split(
        self,
        argument: Vector,
        linear: Callable[[Curves, Vector], Vector],
        supply: Callable[[Curves, Vector], Vector],
        use: Callable[[Curves, Vector], Vector],
    ) -> Vector:
        """Evaluate each kind's function on its own activities."""
        out = np.empty_like(argument)
        for (chosen, own), function in zip(self._by_kind, (linear, supply, use), strict=True):
            if chosen.size:
                out[chosen] = function(own, argument[chosen])
        return out

    @cached_property
    def _by_kind(self) -> tuple[tuple[NDArray[np.intp], Curves], ...]:
        """Positions and curves of each kind, cut out once: solvers ask thousands of times."""
        kinds = (CurveKind.LINEAR, CurveKind.SUPPLY, CurveKind.USE)
        chosen = [np.flatnonzero(self.kind == kind) for kind in kinds]
        return tuple((c, self.some(c)) for c in chosen)

    def some(self, chosen: NDArray[np.intp]) -> Curves:
        """Return the curves of some activities, by position."""
        return Curves(**{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})

    def response(self, q: Vector) -> Vector:
        """Return levels at margins `q`, t/month, shape (activity,)."""
        free = self._split(q, _linear_level, _supply_level, _use_level)
        return np.clip(free, self.lower, self.upper)

    def response_slope(self, q: Vector) -> Vector:
        """Return the derivative of the response (0 at a bound), t/month per USD/t."""
        level = self._split(q, _linear_level, _supply_level, _use_level)
        slope = self._split(q, _linear_rise, _supply_rise, _use_rise)
        return np.where((level > self.lower) & (level < self.upper), slope, 0.0)

    def steepest(self) -> Vector:
        """Return a typical slope of the response near the reference, t/month per USD/t."""
        linear = self.kind == CurveKind.LINEAR
        with np.errstate(divide="ignore", invalid="ignore"):
            bent = self.elasticity * self.reference / self.price
            return np.asarray(np.where(linear, 1.0 / self.slope, bent))

    def ceiling(self) -> Vector:
        """Return the largest level each activity can reach: its upper bound or its curve's end."""
        with np.errstate(divide="ignore", invalid="ignore"):
            glut = self.reference * USE_GLUT**-self.elasticity
        return np.where(self.kind == CurveKind.USE, np.minimum(self.upper, glut), self.upper)

    def deviation(self, x: Vector) -> Vector:
        """Return marginal cost less its value at the reference, d(x) = φ'(x) − m, USD/t."""
        return self._split(x, _linear_inverse, _supply_inverse, _use_inverse)

    def cost(self, x: Vector) -> Vector:
        """Return φ(x) = m x + ψ(x), USD/month, shape (activity,)."""
        return self.margin * x + self.adjustment(x)

    def adjustment(self, x: Vector) -> Vector:
        """Return ψ(x) >= 0, the cost of having moved away from the reference, USD/month."""
        return self._split(x, _linear_psi, _supply_psi, _use_psi)


def _linear_level(c: Curves, q: Vector) -> Vector:
    return c.reference + (q - c.margin) / c.slope


def _linear_rise(c: Curves, q: Vector) -> Vector:  # noqa: ARG001
    return 1.0 / c.slope


def _linear_inverse(c: Curves, x: Vector) -> Vector:
    return c.slope * (x - c.reference)


def _linear_psi(c: Curves, x: Vector) -> Vector:
    return 0.5 * c.slope * (x - c.reference) ** 2


def _supply_level(c: Curves, q: Vector) -> Vector:
    ratio = 1.0 + (q - c.margin) / c.price
    bent = np.maximum(ratio, SUPPLY_KNEE) ** c.elasticity
    straight = SUPPLY_KNEE**c.elasticity * ratio / SUPPLY_KNEE
    return c.reference * np.where(ratio >= SUPPLY_KNEE, bent, straight)


def _supply_rise(c: Curves, q: Vector) -> Vector:
    ratio = 1.0 + (q - c.margin) / c.price
    bent = c.elasticity * np.maximum(ratio, SUPPLY_KNEE) ** (c.elasticity - 1.0)
    straight = SUPPLY_KNEE ** (c.elasticity - 1.0)
    return c.reference / c.price * np.where(ratio >= SUPPLY_KNEE, bent, straight)


def _supply_inverse(c: Curves, x: Vector) -> Vector:
    share = x / c.reference
    knee = SUPPLY_KNEE**c.elasticity
    bent = np.maximum(share, knee) ** (1.0 / c.elasticity)
    return c.price * (np.where(share >= knee, bent, SUPPLY_KNEE * share / knee) - 1.0)


def _supply_psi(c: Curves, x: Vector) -> Vector:
    share = x / c.reference
    knee = SUPPLY_KNEE**c.elasticity
    power = 1.0 + 1.0 / c.elasticity
    bent = (np.maximum(share, knee) ** power - 1.0) / power
    below = 0.5 * SUPPLY_KNEE / knee * (np.minimum(share, knee) ** 2 - knee**2)
    return c.price * c.reference * (bent + below - (share - 1.0))


def _use_level(c: Curves, q: Vector) -> Vector:
    ratio = 1.0 - (q - c.margin) / c.price
    top = c.cap / c.price
    bent = np.clip(ratio, USE_GLUT, top) ** -c.elasticity
    fade = np.clip((CHOKE_OVER_CAP * top - ratio) / ((CHOKE_OVER_CAP - 1.0) * top), 0.0, 1.0)
    return c.reference * bent * fade


def _use_rise(c: Curves, q: Vector) -> Vector:
    ratio = 1.0 - (q - c.margin) / c.price
    top = c.cap / c.price
    inside = np.clip(ratio, USE_GLUT, top)
    bent = np.where(ratio > USE_GLUT, c.elasticity * inside ** (-c.elasticity - 1.0), 0.0)
    fading = np.where(
        ratio < CHOKE_OVER_CAP * top, top**-c.elasticity / ((CHOKE_OVER_CAP - 1.0) * top), 0.0
    )
    return c.reference / c.price * np.where(ratio <= top, bent, fading)


def _use_inverse(c: Curves, x: Vector) -> Vector:
    share = x / c.reference
    top = c.cap / c.price
    least = top**-c.elasticity
    bent = np.maximum(share, least) ** (-1.0 / c.elasticity)
    fading = top * (CHOKE_OVER_CAP - (CHOKE_OVER_CAP - 1.0) * share / least)
    return c.price * (1.0 - np.where(share >= least, bent, fading))


def _use_psi(c: Curves, x: Vector) -> Vector:
    share = x / c.reference
    top = c.cap / c.price
    least = top**-c.elasticity
    power = 1.0 - 1.0 / c.elasticity
    inside = np.maximum(share, least)
    flat = np.abs(power) < 1e-9
    safe = np.where(flat, 1.0, power)
    paid = np.where(flat, np.log(inside), (inside**safe - 1.0) / safe)
    below = np.minimum(share, least) - least
    slope = (CHOKE_OVER_CAP - 1.0) / (2.0 * least)
    # ∫ of the fading price from `least` down to `share`, in units of P x̄
    paid_fading = top * (
        CHOKE_OVER_CAP * below - slope * (np.minimum(share, least) ** 2 - least**2)
    )
    return (
        c.price * c.reference * ((share - 1.0) - paid - np.where(share < least, paid_fading, 0.0))
    )
