"""Images that lie in files and folders, as other tools write them."""
