"""`python -m opscan` is `opscan`."""

from opscan.main import app

app()
