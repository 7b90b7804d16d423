"""How an experience is learned: one short file per method."""
