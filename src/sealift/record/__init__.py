"""The nouns: frozen records that the stages hand to each other.

Every record is plain data (numbers, text, lists, other records), so that it can be written as
JSON and read back by a later version. Nothing here touches a file, a clock or the network.
"""
