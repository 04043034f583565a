//! The head of a request, but for what differs from one to the next and matters to nobody here:
//! the length of the body, the id and the trace that are given, and whatever the server does not
//! look at. What is left, its outline, is the same for all requests of a client.

const std = @import("std");
const tokens = @import("token.zig");

pub const Error = error{ NotPlain, Unended };

/// Bytes of the longest outline.
pub const longest = 2048;

/// Bytes of the longest id.
pub const id_length = 128;

/// Digits of the longest length of a body.
const most_digits = 9;

/// What stands in an outline where a value was left out; no head has it.
const hole = 0;

/// Fields whose values mean something to the server, and stand in an outline as they are.
const meaning = std.static_string_map.StaticStringMapWithEql(
    void,
    std.static_string_map.eqlAsciiIgnoreCase,
).initComptime(.{
    .{"accept-encoding"},
    .{"connection"},
    .{"content-encoding"},
    .{"content-type"},
    .{"expect"},
    .{"host"},
    .{"http2-settings"},
    .{"inference-header-content-length"},
    .{"keep-alive"},
    .{"proxy-connection"},
    .{"te"},
    .{"trailer"},
    .{"transfer-encoding"},
    .{"upgrade"},
});

/// What the names of the server's own fields begin with; their values stand in an outline too.
const own = "x-sealift-";

/// A head: its outline, where it ends, how long its body is, and the id and trace it may have.
pub const Head = struct {
    outline: []const u8,
    end: usize = 0,
    length: ?usize = null,
    id: []const u8 = "",
    trace: ?Trace = null,
};

/// The trace that a request is part of (W3C Trace Context), and its flags.
pub const Trace = struct { id: *const [32]u8, flags: *const [2]u8 };

/// Reads the head that `bytes` begin with; its outline is written to `out`. Fails for one that has
/// not ended yet, and for one that is too long, or says what is left out in another way than most.
pub fn read(bytes: []const u8, out: *[longest]u8) Error!Head {
    var found = Head{ .outline = out[0..0] };
    var text: []u8 = out;
    while (true) {
        const rest = bytes[found.end..];
        const size = 1 + (std.mem.indexOfScalar(u8, rest, '\n') orelse return error.Unended);
        const line = rest[0..size];
        if (size < 2 or line[size - 2] != '\r') return error.NotPlain;
        const kept = if (found.end == 0) line else try outlined(&found, line);
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

/// As much of a line as its outline has: all of it, or the name of a field.
fn outlined(found: *Head, line: []const u8) Error![]const u8 {
    if (line.len == 2) return line;
    const name_length = std.mem.indexOfScalar(u8, line, ':') orelse return error.NotPlain;
    const name = line[0..name_length];
    if (meaning.has(name) or std.ascii.startsWithIgnoreCase(name, own)) return line;
    const value = line[name_length + 1 .. line.len - 2];
    if (is(name, "content-length")) {
        if (found.length != null) return error.NotPlain;
        found.length = try counted(try plain(value));
    } else if (is(name, "x-request-id")) {
        if (found.id.len > 0) return error.NotPlain;
        found.id = try identity(try plain(value));
    } else if (is(name, "traceparent")) {
        if (found.trace != null) return error.NotPlain;
        found.trace = try traced(try plain(value));
    } else if (!printed(value)) return error.NotPlain;
    return line[0 .. name_length + 1];
}

inline fn is(name: []const u8, comptime wanted: []const u8) bool {
    return name.len == wanted.len and std.ascii.eqlIgnoreCase(name, wanted);
}

/// A value behind the one blank that most write before it.
fn plain(value: []const u8) Error![]const u8 {
    if (value.len < 2 or value[0] != ' ') return error.NotPlain;
    return value[1..];
}

/// Whether a value may stand in a field (RFC 9110, 5.5). No branch depends on a byte, so that many
/// are looked at together.
fn printed(value: []const u8) bool {
    var bad: u1 = 0;
    for (value) |byte| {
        const control = @intFromBool(byte < ' ') & @intFromBool(byte != '\t');
        bad |= control | @intFromBool(byte == 0x7f);
    }
    return bad == 0;
}

fn identity(value: []const u8) Error![]const u8 {
    if (value.len > id_length) return error.NotPlain;
    for (value) |byte| {
        if (byte <= ' ' or byte >= 0x7f or byte == '"' or byte == '\\') return error.NotPlain;
    }
    return value;
}

/// The trace in a `traceparent` of version 00 that is well-formed, with no id of zeros alone.
fn traced(value: []const u8) Error!Trace {
    if (value.len != 55 or !std.mem.startsWith(u8, value, "00-")) return error.NotPlain;
    if (value[35] != '-' or value[52] != '-') return error.NotPlain;
    const id = value[3..35];
    const parent = value[36..52];
    for ([_][]const u8{ id, parent, value[53..] }) |digits| {
        for (digits) |digit| {
            if (!tokens.isDigit(digit)) return error.NotPlain;
        }
    }
    if (std.mem.allEqual(u8, id, '0') or std.mem.allEqual(u8, parent, '0')) return error.NotPlain;
    return .{ .id = id, .flags = value[53..55] };
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
    const told = head ++ "5\r\nUser-Agent:";
    try expectSame(told ++ " a\r\nCookie: b\r\n\r\n", told ++ "x:y\t\xff\r\nCookie:\r\n\r\n", true);
    try expectSame(told ++ " a\r\n\r\n", told ++ " a\r\nUser-Agent: a\r\n\r\n", false);
    inline for (.{ "Content-Type", "cONNECTION", "x-sealift-a", "Expect", "Host", "TE" }) |name| {
        const meant = head ++ "5\r\n" ++ name ++ ": ";
        try expectSame(meant ++ "a\r\n\r\n", meant ++ "b\r\n\r\n", false);
    }
}

test "a trace is told" {
    var out: [longest]u8 = undefined;
    const id = "4bf92f3577b34da6a3ce929d0e0e4736";
    const parent = "00f067aa0ba902b7";
    const head = "POST / HTTP/1.1\r\ntraceparent: ";
    const end = "\r\n\r\n";
    const found = (try read(head ++ "00-" ++ id ++ "-" ++ parent ++ "-01" ++ end, &out)).trace.?;
    try std.testing.expectEqualStrings(id, found.id);
    try std.testing.expectEqualStrings("01", found.flags);
    inline for (.{
        "01-" ++ id ++ "-" ++ parent ++ "-01",
        "00-" ++ id ++ "-" ++ parent ++ "-0A",
        "00-" ++ id ++ "-" ++ parent ++ "-01-",
        "00-" ++ id ++ "_" ++ parent ++ "-01",
        "00-" ++ id ++ "-0000000000000000-01",
        "00-00000000000000000000000000000000-" ++ parent ++ "-01",
        "00-" ++ id ++ "-" ++ parent ++ "-01\r\ntraceparent: 00-" ++ id ++ "-" ++ parent ++ "-01",
        "",
    }) |value| try std.testing.expectError(error.NotPlain, read(head ++ value ++ end, &out));
}

test "a head tells its length, its id and its end" {
    var out: [longest]u8 = undefined;
    const fields = "content-length: 70\r\nx-request-id: a-1\r\n\r\n";
    const found = try read("POST / HTTP/1.1\r\n" ++ fields ++ "{}", &out);
    try std.testing.expectEqual(70, found.length.?);
    try std.testing.expectEqualStrings("a-1", found.id);
    try std.testing.expectEqual(58, found.end);
    try std.testing.expectEqual(null, found.trace);
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
        "content-length:7\r\n\r\n",
        "content-length:  7\r\n\r\n",
        "cookie: a\x00\r\n\r\n",
        "cookie: a\rb\r\n\r\n",
        "cookie: a\x7f\r\n\r\n",
        "host\r\n\r\n",
        "x-request-id: a\r\nx-request-id: a\r\n\r\n",
        "x-request-id: a b\r\n\r\n",
        "x-request-id: \"\r\n\r\n",
        "x-request-id:a\r\n\r\n",
        "X-Request-Id:\ta\r\n\r\n",
        "x-request-id:\r\n\r\n",
        "x-request-id: a\r\nx-request-id:a\r\n\r\n",
        "x-request-id: " ++ @as([129]u8, @splat('a')) ++ "\r\n\r\n",
        "te: " ++ @as([longest]u8, @splat('a')) ++ "\r\n\r\n",
    }) |fields| {
        try std.testing.expectError(error.NotPlain, read("POST / HTTP/1.1\r\n" ++ fields, &out));
    }
}
