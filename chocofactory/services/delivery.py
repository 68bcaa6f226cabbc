"""Bringing to the series store's server what was written while it was away."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chocofactory.store.base import SeriesStore


class Delivery:
    """Empties the outbox of the series store. Every write does so too; this is for the time between them."""

    def __init__(self, store: SeriesStore) -> None:
        self._store = store

    @property
    def needed(self) -> bool:
        """Whether the series store has a server, and so an outbox."""
        return self._store.outbox() is not None

    def deliver(self, *, refused: bool = False) -> int:
        """Send what waits, and with ``refused`` what was set aside as well; the number of rows that went.

        Raises
        ------
        StoreError
            The server is away still; the rest goes on waiting.

        """
        return self._store.replay(refused=refused)
