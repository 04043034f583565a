//! Numbers in JSON texts, read as IEEE 754 asks: the double nearest to what is written.
//!
//! Most numbers are short. Their digits are taken eight at a time, and where the digits and the
//! power of ten are both exact doubles, one division is correctly rounded (Clinger, "How to read
//! floating point numbers accurately", PLDI 1990). All others are left to the standard library.

const std = @import("std");

/// What is not wholly plain, for whatever reason.
pub const Error = error{NotPlain};

/// Bytes of a number up to which it is read.
const longest = 64;

/// Bytes that are looked at together: a number and what follows it must lie in them.
const window = 32;

/// Bytes that must follow a number's first one so that it is read in this way.
const ahead = window + 8;

/// The powers of ten that are exact doubles.
const exact = powers(f64, 23);

/// The powers of ten that fit 64 bits.
const whole_powers = powers(u64, 20);

/// The whole numbers up to here are all exact doubles.
const most_exact: u64 = 1 << 53;

fn powers(comptime T: type, comptime count: usize) [count]T {
    var found: [count]T = undefined;
    var power: T = 1;
    for (&found, 0..) |*one, number| {
        one.* = power;
        if (number + 1 < count) power *= 10;
    }
    return found;
}

/// A value, and where the text goes on behind it.
pub fn Found(comptime T: type) type {
    return struct { value: T, end: usize };
}

/// Reads the number that begins here. A zero with a sign but no point is not plain: readers differ
/// about it.
pub inline fn float(text: []const u8, begin: usize) Error!Found(f64) {
    if (begin + ahead < text.len) {
        if (short(text[begin..][0..ahead])) |found| {
            return .{ .value = found.value, .end = begin + found.end };
        }
    }
    return any(text, begin);
}

/// A number without an exponent, of at most 8 digits before the point and 16 digits behind it,
/// whose digits make an exact double; null for any other.
inline fn short(text: *const [ahead]u8) ?Found(f64) {
    const sign: u64 = @intFromBool(text[0] == '-');
    const first: usize = sign;
    // a bit for each byte that is no digit, but for the sign
    const others = strangers(text[0..window]) & ~sign;
    const point: usize = @ctz(others);
    const before = point -% first;
    if (before -% 1 >= 8 or (text[first] == '0' and before != 1)) return null;
    var mantissa = valued(word(text[first..][0..8]), before);
    var end = point;
    var behind: usize = 0;
    if (text[point] == '.') {
        end = @ctz(others & (others - 1));
        behind = end - point - 1;
        if (behind -% 1 >= 16 or before + behind > 19) return null;
        const tail = word(text[point + 1 ..][0..8]);
        if (behind <= 8) {
            mantissa = mantissa * whole_powers[behind] + valued(tail, behind);
        } else {
            const more = word(text[point + 9 ..][0..8]);
            mantissa = mantissa * whole_powers[8] + valued(tail, 8);
            mantissa = mantissa * whole_powers[behind - 8] + valued(more, behind - 8);
        }
    } else if (sign == 1 and mantissa == 0) return null;
    if (mantissa > most_exact or text[end] | 0x20 == 'e') return null;
    const value = @as(f64, @floatFromInt(mantissa)) / exact[behind];
    return .{ .value = if (sign == 1) -value else value, .end = end };
}

fn word(bytes: *const [8]u8) u64 {
    return std.mem.readInt(u64, bytes, .little);
}

/// A bit for each byte that is no digit, and one behind them all.
inline fn strangers(bytes: *const [window]u8) u64 {
    const Bytes = @Vector(window, u8);
    const zero: Bytes = @splat('0');
    const nine: Bytes = @splat(9);
    const found: @Vector(window, bool) = @as(Bytes, bytes.*) -% zero > nine;
    const mask: u32 = @bitCast(found);
    return @as(u64, mask) | 1 << window;
}

/// The value of the first `count` of eight bytes, 1 to 8, which are digits: pairs of digits are
/// joined, then pairs of pairs, then the two halves.
fn valued(eight: u64, count: usize) u64 {
    const shift: u6 = @intCast((8 - count) * 8);
    var found = (eight -% 0x3030303030303030) << shift;
    found = (found *% 10) +% (found >> 8);
    const high = (found & 0x000000ff000000ff) *% 0x000f424000000064;
    const low = ((found >> 16) & 0x000000ff000000ff) *% 0x0000271000000001;
    return (high +% low) >> 32;
}

/// Any number that JSON can spell.
noinline fn any(text: []const u8, begin: usize) Error!Found(f64) {
    const mark = try spelled(text, begin);
    const value = std.fmt.parseFloat(f64, text[begin..mark.end]) catch return error.NotPlain;
    if (mark.whole and value == 0 and text[begin] == '-') return error.NotPlain;
    return .{ .value = value, .end = mark.end };
}

const Mark = struct { end: usize, whole: bool };

/// Where a number ends that begins here, by the grammar of JSON (RFC 8259, section 6).
fn spelled(text: []const u8, begin: usize) Error!Mark {
    const bounded = text[0..@min(text.len, begin + longest)];
    var at = begin;
    if (at < bounded.len and bounded[at] == '-') at += 1;
    if (at < bounded.len and bounded[at] == '0') at += 1 else at = try run(bounded, at);
    var whole = true;
    if (at < bounded.len and bounded[at] == '.') {
        whole = false;
        at = try run(bounded, at + 1);
    }
    if (at < bounded.len and bounded[at] | 0x20 == 'e') {
        whole = false;
        at += 1;
        if (at < bounded.len and (bounded[at] == '+' or bounded[at] == '-')) at += 1;
        at = try run(bounded, at);
    }
    // one that goes on, or may go on, is too long
    if (at == bounded.len) return error.NotPlain;
    return .{ .end = at, .whole = whole };
}

/// Where one digit or more end.
fn run(text: []const u8, begin: usize) Error!usize {
    var at = begin;
    while (at < text.len and std.ascii.isDigit(text[at])) at += 1;
    return if (at == begin) error.NotPlain else at;
}

/// Reads the whole number of 64 bits that begins here.
pub inline fn integer(text: []const u8, begin: usize) Error!Found(i64) {
    if (begin + ahead < text.len and text[begin] != '0') {
        const count = @ctz(strangers(text[begin..][0..window]));
        if (count > 0 and count <= 8 and !broken(text[begin + count])) {
            const value = valued(word(text[begin..][0..8]), count);
            return .{ .value = @intCast(value), .end = begin + count };
        }
    }
    return anyInteger(text, begin);
}

/// Whether the byte behind some digits makes them a number with a fraction or an exponent.
fn broken(next: u8) bool {
    return next == '.' or next | 0x20 == 'e';
}

noinline fn anyInteger(text: []const u8, begin: usize) Error!Found(i64) {
    const mark = try spelled(text, begin);
    if (!mark.whole) return error.NotPlain;
    const value = std.fmt.parseInt(i64, text[begin..mark.end], 10) catch return error.NotPlain;
    return .{ .value = value, .end = mark.end };
}

const spaces: [40]u8 = @splat(' ');

fn expectFloat(comptime text: []const u8, value: f64) !void {
    inline for (.{ text ++ ",", text ++ "," ++ spaces }) |padded| {
        const found = try float(padded, 0);
        try std.testing.expectEqual(value, found.value);
        try std.testing.expectEqual(text.len, found.end);
    }
}

test "numbers of each form are the nearest doubles" {
    inline for (.{
        "0",        "7",            "-7",          "13.0",               "0.3125",
        "-0.0",     "1234567.5",    "12345678.25", "0.1",                "0.30000001192092896",
        "1e5",      "1E+5",         "-2.5e-10",    "9007199254740993",   "0.123456789012345678",
        "5e-324",   "1e-400",       "0e5",         "123456789012345678", "0.12345678",
        "0.123456", "99999999.999", "1.5e0005",
    }) |text| {
        try expectFloat(text, try std.fmt.parseFloat(f64, text));
    }
}

test "what JSON does not spell, or readers differ about, is not plain" {
    inline for (.{ "-0", "01", "1.", ".5", "+1", "1e", "-", "x", "1.e5", "--1", "" }) |text| {
        inline for (.{ text ++ ",", text ++ "," ++ spaces }) |padded| {
            // a zero before another digit ends there, and what follows is no separator
            if (float(padded, 0)) |found| {
                try std.testing.expect(padded[found.end] != ',');
            } else |_| {}
        }
    }
    try std.testing.expectError(error.NotPlain, float(&@as([70]u8, @splat('1')), 0));
}

test "whole numbers are those of 64 bits" {
    inline for (.{
        "0",       "-1",       "9223372036854775807", "-9223372036854775808",
        "1234567", "12345678",
    }) |text| {
        const found = try integer(text ++ "]" ++ spaces, 0);
        try std.testing.expectEqual(try std.fmt.parseInt(i64, text, 10), found.value);
    }
    inline for (.{ "9223372036854775808", "1.0", "1e2", "true" }) |text| {
        try std.testing.expectError(error.NotPlain, integer(text ++ "]" ++ spaces, 0));
    }
}
