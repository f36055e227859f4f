"""Views: what a player sees of the engine."""
