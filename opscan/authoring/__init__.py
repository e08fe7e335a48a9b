"""For whoever writes a strategy: a new one to begin with, and one run by itself."""
