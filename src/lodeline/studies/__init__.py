"""Questions answered: pure functions from network and scenario to results."""
