"""Pictures with labels, and what training makes of them."""
