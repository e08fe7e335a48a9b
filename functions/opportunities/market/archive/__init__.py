"""Snapshots as bytes and back; `file` loads and saves them."""
