"""Newton's method for smooth losses, with and without a penalty."""
