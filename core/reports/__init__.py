"""Read-only SQL that comes back as typed rows. Every figure of cost is a sum of usage records."""
