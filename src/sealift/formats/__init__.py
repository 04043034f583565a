"""What files really are, told by their bytes: which of them run code when they are loaded.

Nothing here loads, imports or executes anything of a file. ``scan`` begins at a file or a folder;
``containers`` looks into archives, ``machine`` follows the opcodes of a pickle, ``known`` tells
which of the names it would import are harmless.
"""
