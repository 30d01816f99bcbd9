"""From documents to answers: decode, pool, evaluate, decide, sweep."""
