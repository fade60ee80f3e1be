"""Steps of tools/build_dataset.py: one module per source."""
