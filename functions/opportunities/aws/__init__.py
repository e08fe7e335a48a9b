"""What AWS is asked for: the only room that knows botocore."""
