"""Why: decisions traced to causes, each proved by clearing the hour again without it."""
