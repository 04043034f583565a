"""The chapter of images that others built: brought in, asked, described, registered, signed."""
