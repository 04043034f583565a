"""The checks of a server of others, by the Open Inference Protocol alone.

They have the names of the checks of Sealift's own server and show what is to be seen from outside.
What makes a server unfit to be trusted with traffic is an error; what is only against good manners,
and was in the image before, is a warning.
"""
