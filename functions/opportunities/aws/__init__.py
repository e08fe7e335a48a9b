"""Calls AWS. No other room knows botocore."""
