"""What every HTTP service here shares: errors as problem details, and who may speak to it."""
