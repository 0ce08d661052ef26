"""peerflex: peer-to-peer energy trading and flexibility markets on real networks."""
