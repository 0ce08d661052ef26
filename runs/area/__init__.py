"""From a scenario to an area: every part is read, resolved by its kind and checked, before anything is simulated."""
