"""Applications written on the engine, each an ordinary Django app and a folder to copy."""
