"""What a learner did, recorded in a file of their own."""
