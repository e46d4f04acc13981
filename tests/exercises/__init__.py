"""The tests of the exercises, one file a question; `exercises/` holds what they compare with."""
