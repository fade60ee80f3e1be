"""How fast Lodeline is beside its peers, measured in one run."""
