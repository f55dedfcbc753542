"""What looks closer than `ps`: one file for each thing that is looked at."""
