"""What runs by itself: the list of tasks and the scheduler that calls them."""
