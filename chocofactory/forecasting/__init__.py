"""Price models behind one small interface, their intervals, their proof and their keeping."""
