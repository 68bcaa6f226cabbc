"""What every layer may lean on: errors, settings, the clock, logs."""
