"""What the other musicians play: from their notes to what is understood, and what the drummer makes of it."""
