"""The rules of the protocol over gRPC, and a small client for them that no server shares."""
