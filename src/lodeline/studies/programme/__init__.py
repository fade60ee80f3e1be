"""Programmes: which month they slip in a scenario, by how much, what would have helped."""
