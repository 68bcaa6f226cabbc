"""The use cases: the only door for pages, API, tasks and command line."""
