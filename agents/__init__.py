"""Who decides, and how: Peer, DSO, FMO and Supplier, what peers own and how they behave."""
