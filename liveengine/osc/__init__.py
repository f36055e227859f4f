"""OSC: every control by its address, and the state and meter of the engine to whoever subscribes."""
