"""The production plan: the exact optimum of when to start which batch, how sure it is, and why it is so."""
