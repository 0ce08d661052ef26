"""What the wires allow: networks, power flow, sensitivities and limits."""
