"""Results as text: JSON for programs, tables and sentences for people."""
