"""The use cases. Each takes its collaborators as arguments; a class holds those that belong together."""
