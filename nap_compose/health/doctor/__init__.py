"""What a check-up makes of the facts it is given. Pure: facts in, findings out."""
