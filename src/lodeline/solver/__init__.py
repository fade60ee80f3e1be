"""Matrices and bounds in; flows, prices and a certificate out. Knows no minerals."""
