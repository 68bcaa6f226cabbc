"""Time series behind one interface, and the application's own state."""
