//! Numbers as JSON has them.
//!
//! Floats are plain from 1e-5 up to 1e16, and with an exponent beyond.

const std = @import("std");
const digits = @import("digits.zig");

/// Bytes that a number may take, and those behind it that may be written over.
pub const longest = 40;

pub const Place = [longest]u8;

/// Writes a whole number; its length.
pub fn integer(out: *Place, value: anytype) usize {
    if (value >= 0) return decimal(out, @intCast(value));
    out[0] = '-';
    return 1 + decimal(out[1..], @abs(value));
}

/// Digits of the longest whole number.
const most_digits = 20;

/// The same, of one that is not below 0.
pub fn decimal(out: []u8, value: u64) usize {
    if (value < 10) {
        out[0] = '0' + @as(u8, @intCast(value));
        return 1;
    }
    var text: [most_digits]u8 = undefined;
    var at: usize = most_digits;
    var rest = value;
    while (rest >= 10) {
        at -= 2;
        text[at..][0..2].* = std.fmt.digits2(@intCast(rest % 100));
        rest /= 100;
    }
    if (rest > 0) {
        at -= 1;
        text[at] = '0' + @as(u8, @intCast(rest));
    }
    const found = text[at..];
    @memcpy(out[0..found.len], found);
    return found.len;
}

/// Whole numbers below this are doubles with each of their digits.
const whole: f64 = 1 << 53;

/// Writes a finite number in its shortest digits; its length.
pub inline fn float(out: *Place, value: f64) usize {
    out[0] = '-';
    const begin: usize = @intFromBool(std.math.signbit(value));
    const size = @abs(value);
    if (size < whole and @trunc(size) == size) {
        const length = begin + decimal(out[begin..], @intFromFloat(size));
        out[length..][0..2].* = ".0".*;
        return length + 2;
    }
    const found = digits.spelled(size);
    return begin + placed(out[begin..], found);
}

/// Digits and the place of their point, as they are written.
inline fn placed(out: []u8, found: digits.Spelled) usize {
    if (found.point > 1 and found.point <= most_point) return among(out, found);
    return framed(out, found, &frames[@intCast(found.point - least_point)]);
}

/// What digits are written between where the point is not among them.
const Frame = struct {
    /// Where the first of them stands, and the second.
    first: u8,
    second: u8,
    /// Bytes of the exponent.
    length: u8,
    before: [8]u8,
    exponent: [8]u8,
};

/// The point of the least double and of the largest, and the largest that is written without an
/// exponent.
const least_point = -323;
const largest_point = 309;
const most_point = 16;

const frames: [largest_point - least_point + 1]Frame = all: {
    @setEvalBranchQuota(1_000_000);
    var found: [largest_point - least_point + 1]Frame = undefined;
    for (&found, 0..) |*frame, number| frame.* = framing(@as(i32, number) + least_point);
    break :all found;
};

fn framing(comptime point: i32) Frame {
    var frame = Frame{
        .first = 0,
        .second = 2,
        .length = 0,
        .before = "0.000000".*,
        .exponent = @splat(0),
    };
    if (point > -5 and point <= 0) {
        frame.first = 2 - point;
        frame.second = frame.first + 1;
    } else if (point != 1) {
        const text = std.fmt.comptimePrint("e{d}", .{point - 1});
        frame.length = text.len;
        frame.exponent[0..text.len].* = text[0..text.len].*;
    }
    return frame;
}

/// 12e-4 as 0.0012, 12e-1 as 1.2 and 12e-8 as 1.2e-7: without a branch, for which of them it is
/// nobody can foresee.
inline fn framed(out: []u8, found: digits.Spelled, frame: *const Frame) usize {
    out[0..8].* = frame.before;
    out[frame.first] = found.first;
    found.putRest(out[frame.second..][0 .. digits.longest - 1]);
    const end = if (found.count == 1) frame.first + 1 else frame.second + found.count - 1;
    out[end..][0..8].* = frame.exponent;
    return end + frame.length;
}

/// 12e3 as 12000.0, 123e-1 as 12.3
inline fn among(out: []u8, found: digits.Spelled) usize {
    const point: usize = @intCast(found.point);
    return if (found.count <= point) padded(out, found, point) else pointed(out, found, point);
}

/// 12e3 as 12000.0
fn padded(out: []u8, found: digits.Spelled, point: usize) usize {
    found.put(out[0..digits.longest]);
    out[point..][0..2].* = ".0".*;
    return point + 2;
}

/// 123e-1 as 12.3
fn pointed(out: []u8, found: digits.Spelled, point: usize) usize {
    out[0] = found.first;
    found.putRest(out[2..][0 .. digits.longest - 1]);
    for (1..point) |place| out[place] = out[place + 1];
    out[point] = '.';
    return found.count + 1;
}

fn expectFloat(value: f64, text: []const u8) !void {
    var out: Place = undefined;
    try std.testing.expectEqualStrings(text, out[0..float(&out, value)]);
}

test "floats are written in the shortest digits" {
    try expectFloat(0.0, "0.0");
    try expectFloat(-0.0, "-0.0");
    try expectFloat(13.0, "13.0");
    try expectFloat(-0.1, "-0.1");
    try expectFloat(@as(f32, 0.1), "0.10000000149011612");
    try expectFloat(1e15, "1000000000000000.0");
    try expectFloat(1e16, "1e16");
    try expectFloat(123456789012345680.0, "1.2345678901234568e17");
    try expectFloat(0.00001, "0.00001");
    try expectFloat(0.000015, "0.000015");
    try expectFloat(0.000001, "1e-6");
    try expectFloat(12.5, "12.5");
    try expectFloat(1234567.25, "1234567.25");
    try expectFloat(9.5e-7, "9.5e-7");
    try expectFloat(1.0715086071862673e301, "1.0715086071862673e301");
    try expectFloat(-2.2250738585072014e-308, "-2.2250738585072014e-308");
    try expectFloat(5e-324, "5e-324");
    try expectFloat(1.7976931348623157e308, "1.7976931348623157e308");
    try expectFloat(9007199254740993.0, "9007199254740992.0");
}

test "whole numbers are written whole" {
    var out: Place = undefined;
    const low: i64 = std.math.minInt(i64);
    try std.testing.expectEqualStrings("-9223372036854775808", out[0..integer(&out, low)]);
    const high: u64 = std.math.maxInt(u64);
    try std.testing.expectEqualStrings("18446744073709551615", out[0..integer(&out, high)]);
    try std.testing.expectEqualStrings("100", out[0..integer(&out, @as(u8, 100))]);
}
