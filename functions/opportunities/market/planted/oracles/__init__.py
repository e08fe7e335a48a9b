"""What a perfectly informed trader would state: references for the profits that strategies state."""
