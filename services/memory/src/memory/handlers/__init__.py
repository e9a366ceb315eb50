"""What memory does on each call. Plain functions: those that write take a Transaction, those that read a connection."""
