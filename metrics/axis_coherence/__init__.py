"""How well delta vectors of one spatial axis agree on a direction."""
