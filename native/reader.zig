//! A JSON text, taken apart from the front. Nothing is read beyond its last byte.

const std = @import("std");
const numbers = @import("numbers.zig");

pub const Error = numbers.Error;

text: []const u8,
at: usize = 0,

const Reader = @This();

/// The next byte that is no white space, which stays where it is.
pub inline fn peek(self: *Reader) Error!u8 {
    while (self.at < self.text.len) : (self.at += 1) {
        const byte = self.text[self.at];
        if (byte > ' ') return byte;
        if (byte != ' ' and byte != '\n' and byte != '\r' and byte != '\t') break;
    }
    return error.NotPlain;
}

/// Takes the byte that must come next.
pub inline fn take(self: *Reader, wanted: u8) Error!void {
    if (try self.peek() != wanted) return error.NotPlain;
    self.at += 1;
}

/// After a member of a list or an object: whether another follows, or `end` does.
pub inline fn more(self: *Reader, end: u8) Error!bool {
    const byte = try self.peek();
    self.at += 1;
    if (byte == ',') return true;
    return if (byte == end) false else error.NotPlain;
}

/// A text without escapes, as it stands between its quotation marks.
pub fn string(self: *Reader) Error![]const u8 {
    try self.take('"');
    const begin = self.at;
    while (self.at < self.text.len) : (self.at += 1) {
        const byte = self.text[self.at];
        if (byte == '"') {
            self.at += 1;
            return self.text[begin .. self.at - 1];
        }
        if (byte < ' ' or byte == '\\') break;
    }
    return error.NotPlain;
}

/// The name of a member, and the colon behind it.
pub fn name(self: *Reader) Error![]const u8 {
    const found = try self.string();
    try self.take(':');
    return found;
}

/// A literal name such as `true`.
pub inline fn word(self: *Reader, comptime wanted: []const u8) Error!void {
    if (!std.mem.startsWith(u8, self.text[self.at..], wanted)) return error.NotPlain;
    self.at += wanted.len;
}

pub inline fn float(self: *Reader) Error!f64 {
    _ = try self.peek();
    const found = try numbers.float(self.text, self.at);
    self.at = found.end;
    return found.value;
}

pub inline fn integer(self: *Reader) Error!i64 {
    _ = try self.peek();
    const found = try numbers.integer(self.text, self.at);
    self.at = found.end;
    return found.value;
}

/// A whole number without a sign: what shapes are made of.
pub fn size(self: *Reader) Error!usize {
    return std.math.cast(usize, try self.integer()) orelse error.NotPlain;
}

pub inline fn truth(self: *Reader) Error!bool {
    const yes = try self.peek() == 't';
    if (yes) try self.word("true") else try self.word("false");
    return yes;
}

/// Passes over a list, of lists perhaps, whose texts have no escapes.
pub fn skip(self: *Reader) Error!void {
    var depth: usize = 0;
    while (true) {
        switch (try self.peek()) {
            '"' => _ = try self.string(),
            '[' => {
                depth += 1;
                self.at += 1;
            },
            ']' => {
                if (depth == 0) return error.NotPlain;
                depth -= 1;
                self.at += 1;
            },
            '{', '}' => return error.NotPlain,
            else => self.at += 1,
        }
        if (depth == 0) return;
    }
}

/// The end of the text: nothing but white space may follow.
pub fn done(self: *Reader) Error!void {
    if (self.peek()) |_| return error.NotPlain else |_| {}
    if (self.at < self.text.len) return error.NotPlain;
}

test "a text is taken apart, and what is unlike what is wanted is not plain" {
    var reader = Reader{ .text = " {\"a\" : [1, 2.5], \"b\":true}\n" };
    try reader.take('{');
    try std.testing.expectEqualStrings("a", try reader.name());
    try reader.take('[');
    try std.testing.expectEqual(1, try reader.integer());
    try std.testing.expect(try reader.more(']'));
    try std.testing.expectEqual(2.5, try reader.float());
    try std.testing.expect(!try reader.more(']'));
    try std.testing.expect(try reader.more('}'));
    try std.testing.expectEqualStrings("b", try reader.name());
    try std.testing.expect(try reader.truth());
    try std.testing.expectError(error.NotPlain, reader.take(']'));
    try reader.take('}');
    try reader.done();
}

test "what is passed over has an end" {
    var reader = Reader{ .text = "[[1, \"]\"], []] x" };
    try reader.skip();
    try std.testing.expectError(error.NotPlain, reader.done());
    inline for (.{ "[[1]", "]", "[{}]", "[\"a\\\"]", "" }) |text| {
        var other = Reader{ .text = text };
        try std.testing.expectError(error.NotPlain, other.skip());
    }
}
