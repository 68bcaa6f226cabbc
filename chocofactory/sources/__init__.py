"""The outside world, read only: one module a provider, one shared HTTP client."""
