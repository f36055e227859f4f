"""The service: patterns over HTTP, on one machine or many."""
