"""Storage of examples: in memory, in float16, in bytes, or read from files block by block."""
