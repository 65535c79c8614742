"""What happened beside the pictures: what sensor nodes tell → facts."""
