"""What a file may ask of a host: an allow-list, on the model and on what the engine is sent."""
