"""What can be trained: of each task its recipe, loader, loss, metric and what becomes of the net in the end."""
