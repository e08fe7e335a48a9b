"""What the markets looked like at one moment, and where that comes from."""
