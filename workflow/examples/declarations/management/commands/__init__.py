"""`replay_declarations` and `demo`."""
