"""What was played: the log of a performance, the take, the trace, and how late strokes were."""
