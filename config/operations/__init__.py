"""What operators do from a shell: back up, restore, begin a new installation."""
