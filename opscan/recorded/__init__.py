"""Readers of recorded files, and the market snapshots that they make of them."""
