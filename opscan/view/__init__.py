"""What a person sees: numbers, tables and sentences about a scan."""
