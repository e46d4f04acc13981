"""Wrong implementations written after the hints were frozen."""
