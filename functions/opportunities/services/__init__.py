"""The use cases. Their collaborators come as arguments."""
