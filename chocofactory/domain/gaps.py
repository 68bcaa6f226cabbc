"""What should be there and is not: expected grids, gaps and their severity (domain.md 6)."""

from __future__ import annotations
