"""What a chocolate plant and a power market are: pure functions and frozen dataclasses, no I/O and no "now"."""
