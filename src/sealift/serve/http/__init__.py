"""HTTP/1.1: connections, what they bring, and what goes back."""
