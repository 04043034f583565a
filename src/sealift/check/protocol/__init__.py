"""The conformance kit: rules that grade any server of the Open Inference Protocol."""
