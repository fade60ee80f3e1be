"""What may go wrong: restriction types, the library, and what they bound by month."""
