"""How a simulation is driven, kept and shown."""
