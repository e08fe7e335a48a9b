"""Markets in which one coin has had another past: other candles, or other prices everywhere it trades."""
