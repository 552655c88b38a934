"""Judge: from one input to its checks; the order in which facts are gathered and rules are asked."""
