"""What the runtime needs from the world, as protocols. Owns the contracts, no implementation."""
