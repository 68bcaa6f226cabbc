"""Stand-ins for what hours are scored by: weather that tests can work out by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd


@dataclass
class FakeOutside:
    """Weather as it was handed in, the same in each hour; ``lacking`` hours (by place) are absent."""

    temperature_c: float = 20.0
    humidity_pct: float = 50.0
    kind: str = "forecast"
    lacking: tuple[int, ...] = ()
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    def hours(self, start: datetime, end: datetime) -> pd.DataFrame:
        self.asked.append((start, end))
        grid = pd.date_range(start, end, freq="h", inclusive="left", unit="us", name="time")
        weather = {"temperature_c": self.temperature_c, "humidity_pct": self.humidity_pct}
        frame = pd.DataFrame({**weather, "kind": self.kind, "source": "aemet"}, index=grid)
        return frame.drop(grid[list(self.lacking)])
