"""The solver's back ends, each with the tolerance its answers are held to."""

from collections.abc import Callable
from dataclasses import dataclass

from lodeline.solver import compiled, newton


@dataclass(frozen=True)
class Backend:
    """One way to solve a market."""

    name: str
    solve: Callable
    residual: float  # largest certificate.residual accepted
    gap: float  # largest certificate.gap accepted
    levels: float  # largest difference of levels from another back end, over the row's throughput


BACKENDS = (
    Backend("reference", newton.solve, residual=1e-9, gap=1e-9, levels=1e-7),
    Backend("compiled", compiled.solve, residual=1e-9, gap=1e-9, levels=1e-7),
)


def assert_proved(backend, problem, solution):
    """Fail unless the certificate of the solution is within the back end's tolerance."""
    proof = solution.certificate
    assert solution.status == "solved", (backend.name, proof)
    assert proof.residual <= backend.residual, (backend.name, proof)
    assert proof.gap <= backend.gap, (backend.name, proof)
    assert (solution.prices[~problem.is_equality] >= 0.0).all()
