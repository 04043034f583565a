"""Streams that run code when they are loaded, each in another way; none of them is ever loaded."""

import pickle

SYSTEM = b"cposix\nsystem\n"
ARGUMENT = b"(S'true'\ntR"
MEMO = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94"
PLAIN = SYSTEM + ARGUMENT + b"."

CALLS = {
    "a name in a line": PLAIN,
    "a name with its encoding said": b"\x80\x02" + SYSTEM + b"U\x04true\x85R.",
    "a name from the stack": MEMO + b"\x93\x8c\x04true\x85R.",
    "a name from the memo": MEMO + b"00h\x00h\x01\x93\x8c\x04true\x85R.",
    "a name from the memo by decimals": MEMO + b"00g0\ng1\n\x93\x8c\x04true\x85R.",
    "a name whose parts were doubled": b"\x80\x04\x8c\x05posix2\x940\x8c\x06system\x93)R.",
    "a name with escapes": b"\x80\x04V\\u0070osix\nVsystem\n\x93)R.",
    "a quoted name with escapes": b"\x80\x04S'\\x70osix'\nS'system'\n\x93)R.",
    "an instance": b"(S'true'\niposix\nsystem\n.",
    "an object": b"(" + SYSTEM + b"S'true'\no.",
    "a new object": b"\x80\x02" + SYSTEM + b")\x81.",
    "a new object with names": b"\x80\x04" + SYSTEM + b")}\x92.",
    "through another module": b"\x80\x04\x8c\x0bsklearn.svm\x8c\x09os.system\x93)R.",
    "the name of Python 2": b"c__builtin__\neval\n" + ARGUMENT + b".",
    "behind another pickle": pickle.dumps([1, 2]) + PLAIN,
    "behind a name that its reader resolves": b"Panything\n0" + PLAIN,
    "broken off after the call": PLAIN[:-1],
    "what follows is no opcode": PLAIN[:-1] + b"\xff\xff",
    "the stack is empty after the call": SYSTEM + ARGUMENT + b"000.",
    "in the arguments of a harmless call": b"ccollections\ndeque\n(" + SYSTEM + b")RtR.",
    "behind a long line": b"V" + b"x" * 200_000 + b"\n0" + PLAIN,
    "behind a long text": b"\x80\x04B"
    + (70_000).to_bytes(4, "little")
    + b"c" * 70_000
    + b"0"
    + PLAIN,
}
"""Each imports ``posix.system``, or something as bad, and calls it."""

RIDDLES = {
    "a name that is calculated": b"\x80\x04cbuiltins\nstr\n(S'x'\ntR\x8c\x06system\x93)R.",
    "a name from a list": b"\x80\x04]\x8c\x06system\x93)R.",
    "an extension": b"\x80\x02\x82\x07)R.",
    "a call of what was made": b"ccollections\nOrderedDict\n)R)R.",
    "a change of a class": b"\x80\x02ccollections\nOrderedDict\n}U\x01aK\x01sb.",
    "a name that is no text": b"\x80\x04cpos\xffix\nsystem\n)R.",
    "an array of no known size": b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b.",
}
"""Each calls something, and nobody can tell what without running it."""

BROKEN = {
    "nothing": b"",
    "an absurd length": b"\x80\x04\x8e" + (1 << 62).to_bytes(8, "little") + b"x",
    "a negative length": b"\x80\x02\x8b\xff\xff\xff\xff",
    "an unknown protocol": b"\x80\x09K\x01.",
    "an empty stack": b"\x80\x04R.",
    "no such place": b"\x80\x04h\x05.",
    "no mark": b"\x80\x04t.",
    "only marks": b"\x80\x04" + b"(" * 5000,
    "a memo of letters": b"Np\xff\ngx\n.",
}
"""Each ends in an error before it calls anything."""
