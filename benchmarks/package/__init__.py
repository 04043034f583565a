"""The packager beside what people use today: times, bytes, memory, and whether bytes repeat."""
