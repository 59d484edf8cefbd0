"""Background work: the queue, its schedule, its jobs, and the pure matching code."""
