"""nap: Compose for a shared cluster of Docker hosts."""

__version__ = "0.1.0"
