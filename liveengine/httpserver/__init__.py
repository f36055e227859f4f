"""What every HTTP server here shares: security, sockets, problem documents."""
