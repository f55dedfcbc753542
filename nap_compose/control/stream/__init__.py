"""The border as a stream: the same calls over two pipes, whatever carries them."""
