"""The figures of one learner's records: what there is to do, how it is counted, and what is done."""
