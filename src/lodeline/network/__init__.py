"""From tables to a calibrated network: nodes, activities, costs."""
