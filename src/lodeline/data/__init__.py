"""Facts in: one module per source, tidy tables with provenance.

Every table names its source, edition, licence and checksum in the manifest (`info`); defects of
the trade data are flagged in its column ``quality`` (see `Quality` and docs/data.md).
"""

from lodeline.data.bundle import Finding, dataset_identity, info, verify
from lodeline.data.flows import (
    code_status,
    ended_countries,
    products,
    quality_table,
    trade,
    unit_values,
)
from lodeline.data.output import largest_makers, left_to_others, output_by_country
from lodeline.data.own import import_world_mining_data, user_data_folder, world_mining_data
from lodeline.data.places import countries, country_names, world_map
from lodeline.data.screening import Quality
from lodeline.data.tables import (
    demand_structure,
    elasticities,
    governance,
    production,
    projects,
    restrictions,
    stage_shares,
    stocks_and_policy,
)
from lodeline.data.wgi import governance_dimensions, import_governance

__all__ = [
    "Finding",
    "Quality",
    "code_status",
    "countries",
    "country_names",
    "dataset_identity",
    "demand_structure",
    "elasticities",
    "ended_countries",
    "governance",
    "governance_dimensions",
    "import_governance",
    "import_world_mining_data",
    "info",
    "largest_makers",
    "left_to_others",
    "output_by_country",
    "production",
    "products",
    "projects",
    "quality_table",
    "restrictions",
    "stage_shares",
    "stocks_and_policy",
    "trade",
    "unit_values",
    "user_data_folder",
    "verify",
    "world_map",
    "world_mining_data",
]
