"""The engine: conductor and horizon, the player process, trace, sessions in real and virtual time."""
