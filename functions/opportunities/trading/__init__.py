"""What strategies share: instruments, trades and their costs in legs; knows markets and maths, and no strategy."""
