"""How offers become trades, flexibility and money."""
