"""The Open Inference Protocol over gRPC: the service that REST has, in another encoding."""
