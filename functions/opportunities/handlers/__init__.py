"""One module per Lambda: parse, call, answer."""
