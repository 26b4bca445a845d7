"""What the records of one learner come to: what there is to do, how it is counted, and where they stand."""
