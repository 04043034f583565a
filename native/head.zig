//! The head of a request, but for what differs from one to the next: the length of its body, and
//! the id that it may be given. What is left, its outline, is the same for all of a client.

const std = @import("std");

pub const Error = error{ NotPlain, Unended };

/// Bytes of the longest outline.
pub const longest = 2048;

/// Bytes of the longest id.
pub const id_length = 128;

/// Digits of the longest length of a body.
const most_digits = 9;

/// What stands in an outline where something was left out; no head has it.
const hole = 0;

const length_field = "content-length: ";
const id_field = "x-request-id: ";

/// A head: its outline, where it ends, how long its body is, the id if it has one.
pub const Head = struct {
    outline: []const u8,
    end: usize = 0,
    length: ?usize = null,
    id: []const u8 = "",
};

/// Reads the head that `bytes` begin with; its outline is written to `out`. Fails for one that has
/// not ended yet, and for one that is too long, or says one of the two in another way than most do.
pub fn read(bytes: []const u8, out: *[longest]u8) Error!Head {
    var found = Head{ .outline = out[0..0] };
    var text: []u8 = out;
    while (true) {
        const rest = bytes[found.end..];
        const size = 1 + (std.mem.indexOfScalar(u8, rest, '\n') orelse return error.Unended);
        const line = rest[0..size];
        if (size < 2 or line[size - 2] != '\r') return error.NotPlain;
        const kept = try outlined(&found, line);
        if (kept.len + 3 > text.len) return error.NotPlain;
        @memcpy(text[0..kept.len], kept);
        text = text[kept.len..];
        if (kept.len < size) {
            text[0..3].* = .{ hole, '\r', '\n' };
            text = text[3..];
        }
        found.end += size;
        if (size == 2) break;
    }
    found.outline = out[0 .. longest - text.len];
    return found;
}

/// As much of a line as its outline has: all of it, or the name of what is left out.
fn outlined(found: *Head, line: []const u8) Error![]const u8 {
    if (valued(line, length_field)) |value| {
        if (found.length != null) return error.NotPlain;
        found.length = try counted(value);
        return line[0..length_field.len];
    }
    if (valued(line, id_field)) |value| {
        if (found.id.len > 0 or value.len == 0 or value.len > id_length) return error.NotPlain;
        for (value) |byte| {
            if (byte <= ' ' or byte >= 0x7f or byte == '"' or byte == '\\') return error.NotPlain;
        }
        found.id = value;
        return line[0..id_field.len];
    }
    return line;
}

/// The value of a field, if the line is one of this name, in small letters or large.
inline fn valued(line: []const u8, comptime name: []const u8) ?[]const u8 {
    if (line.len < name.len + 2 or line[0] | 0x20 != name[0]) return null;
    if (!std.ascii.eqlIgnoreCase(line[0..name.len], name)) return null;
    return line[name.len .. line.len - 2];
}

fn counted(digits: []const u8) Error!usize {
    if (digits.len == 0 or digits.len > most_digits) return error.NotPlain;
    if (digits[0] == '0' and digits.len > 1) return error.NotPlain;
    var found: usize = 0;
    for (digits) |digit| {
        if (digit < '0' or digit > '9') return error.NotPlain;
        found = 10 * found + (digit - '0');
    }
    return found;
}

fn expectSame(one: []const u8, other: []const u8, same: bool) !void {
    var first: [longest]u8 = undefined;
    var second: [longest]u8 = undefined;
    const left = try read(one, &first);
    const right = try read(other, &second);
    try std.testing.expectEqual(same, std.mem.eql(u8, left.outline, right.outline));
}

test "heads of one client have one outline" {
    const head = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: ";
    try expectSame(head ++ "5\r\n\r\n", head ++ "123\r\n\r\nmore", true);
    try expectSame(head ++ "5\r\n\r\n", "POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\n", false);
    try expectSame(head ++ "5\r\n\r\n", head ++ "5\r\nX-Request-Id: a\r\n\r\n", false);
    const named = head ++ "5\r\nX-Request-Id: ";
    try expectSame(named ++ "a\r\n\r\n", named ++ "bcd\r\n\r\n", true);
}

test "a head tells its length, its id and its end" {
    var out: [longest]u8 = undefined;
    const fields = "content-length: 70\r\nx-request-id: a-1\r\n\r\n";
    const found = try read("POST / HTTP/1.1\r\n" ++ fields ++ "{}", &out);
    try std.testing.expectEqual(70, found.length.?);
    try std.testing.expectEqualStrings("a-1", found.id);
    try std.testing.expectEqual(58, found.end);
    try std.testing.expectEqual(null, (try read("GET / HTTP/1.1\r\n\r\n", &out)).length);
}

test "a head that has not ended is not over" {
    var out: [longest]u8 = undefined;
    const whole = "POST / HTTP/1.1\r\ncontent-length: 7\r\n\r\n";
    for (0..whole.len) |size| {
        try std.testing.expectError(error.Unended, read(whole[0..size], &out));
    }
}

test "heads that say it in another way are not plain" {
    var out: [longest]u8 = undefined;
    inline for (.{
        "content-length: 7\n\r\n",
        "content-length: 07\r\n\r\n",
        "content-length: +7\r\n\r\n",
        "content-length: 7 \r\n\r\n",
        "content-length: \r\n\r\n",
        "content-length: 7000000000\r\n\r\n",
        "content-length: 7\r\ncontent-length: 7\r\n\r\n",
        "x-request-id: \r\n\r\n",
        "x-request-id: a\r\nx-request-id: a\r\n\r\n",
        "x-request-id: a b\r\n\r\n",
        "x-request-id: \"\r\n\r\n",
        "x-request-id: " ++ @as([129]u8, @splat('a')) ++ "\r\n\r\n",
        "host: " ++ @as([longest]u8, @splat('a')) ++ "\r\n\r\n",
    }) |fields| {
        try std.testing.expectError(error.NotPlain, read("POST / HTTP/1.1\r\n" ++ fields, &out));
    }
}
