"""The commands of `opscan`: options in, one call of what does it."""
