"""Markets out of recorded files."""
