"""What a change of a policy does: to its rules (diff), and to a real book (impact)."""
