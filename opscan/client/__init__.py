"""The API as a Python library. Its names are those of `opscan` itself: `from opscan import Client`."""
