"""Tools: what a model may have done for a person, under which policy, and what it is told of the results."""
