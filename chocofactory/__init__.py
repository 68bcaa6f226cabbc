"""When to run which machine in a chocolate plant, so that energy costs least and quality holds."""

__version__ = "0.1.0"
