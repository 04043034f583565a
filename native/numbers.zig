//! Numbers in JSON texts, read as IEEE 754 asks: the double nearest to what is written.
//!
//! Most numbers are short. Their digits are taken eight at a time, and where the digits and the
//! power of ten are both exact doubles, one division is correctly rounded (Clinger, "How to read
//! floating point numbers accurately", PLDI 1990). Up to 19 digits are multiplied by the power of
//! ten in 128 bits (Lemire, "Number parsing at a gigabyte per second", 2021, sections 5 to 9). All
//! others are left to the standard library.

const std = @import("std");
const digits = @import("digits.zig");

/// What is not wholly plain, for whatever reason.
pub const Error = error{NotPlain};

/// Bytes of a number up to which it is read.
const longest = 64;

/// Bytes that are looked at together: a short number and the byte behind it lie in them.
const window = 16;

/// Bytes that must follow a number's first one so that it is read in these ways.
const ahead = 3 * window;

/// The powers of ten that are exact doubles.
pub const exact = powers(f64, 23);

/// The powers of ten that fit 64 bits.
pub const whole_powers = powers(u64, 20);

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
        if (medium(text[begin..][0..ahead])) |found| {
            return .{ .value = found.value, .end = begin + found.end };
        }
    }
    // taken apart, so that none of it has to lie in memory
    const found = try any(text, begin);
    return .{ .value = found.value, .end = found.end };
}

/// A number without an exponent, of at most 7 digits before the point and 8 behind it: these make
/// an exact double. Null for any other.
inline fn short(text: *const [ahead]u8) ?Found(f64) {
    const sign: u32 = @intFromBool(text[0] == '-');
    // a bit for each byte that is no digit, but for the sign
    const others = strangers(text[0..window]) & ~sign;
    const point: usize = @ctz(others);
    const before = point -% sign;
    if (before -% 1 >= 7) return null;
    var mantissa: u64 = text[sign] - '0';
    if (before > 1) {
        if (mantissa == 0) return null;
        mantissa = valued(word(text[sign..][0..8]), before);
    }
    var end = point;
    var behind: usize = 0;
    if (text[point] == '.') {
        end = @ctz(others & (others - 1));
        behind = end -% point -% 1;
        if (behind -% 1 >= 8 or end >= window) return null;
        const tail = word(text[point + 1 ..][0..8]);
        mantissa = mantissa * whole_powers[behind] + valued(tail, behind);
    } else if (sign == 1 and mantissa == 0) return null;
    if (text[end] | 0x20 == 'e') return null;
    const size = @as(f64, @floatFromInt(@as(i64, @intCast(mantissa)))) / exact[behind];
    const bits = @as(u64, @bitCast(size)) | @as(u64, sign) << 63;
    return .{ .value = @bitCast(bits), .end = end };
}

/// A number without an exponent, of at most 8 digits before the point, 19 behind it and 19 that
/// count; null for any other.
noinline fn medium(text: *const [ahead]u8) ?Found(f64) {
    const sign: u64 = @intFromBool(text[0] == '-');
    const second = @as(u64, strangers(text[window..][0..window]));
    const others = (strangers(text[0..window]) & 0xffff | second << window) & ~sign;
    const point: usize = @ctz(others);
    const end: usize = @ctz(others & (others -% 1));
    const before = point -% sign;
    const behind = end -% point -% 1;
    if (before -% 1 >= 8 or behind -% 1 >= 19 or end >= 2 * window) return null;
    if (text[point] != '.' or text[end] | 0x20 == 'e') return null;
    if (text[sign] == '0' and before > 1) return null;
    if (text[sign] != '0' and before + behind > 19) return null;
    var mantissa = valued(word(text[sign..][0..8]), before);
    var at = point + 1;
    while (end - at >= 8) : (at += 8) {
        mantissa = mantissa * whole_powers[8] + valued(word(text[at..][0..8]), 8);
    }
    if (at < end) {
        const count = end - at;
        mantissa = mantissa * whole_powers[count] + valued(word(text[at..][0..8]), count);
    }
    const size = fraction(mantissa, behind);
    return .{ .value = if (sign == 1) -size else size, .end = end };
}

/// The double nearest to a whole number divided by a power of ten up to 19.
pub inline fn fraction(mantissa: u64, power: usize) f64 {
    if (mantissa > most_exact) return scaled(mantissa, power);
    return @as(f64, @floatFromInt(mantissa)) / exact[power];
}

/// The double nearest to a number above 2^53 divided by a power of ten up to 19. At such powers 128
/// bits always tell on which side of the middle between two doubles it lies, or that it is there.
fn scaled(mantissa: u64, power: usize) f64 {
    const ten = digits.powers[digits.least - power];
    const zeros = @clz(mantissa);
    const factor = mantissa << @intCast(zeros);
    var product = @as(u128, factor) * ten.high;
    if ((product >> 64) & 0x1ff == 0x1ff) product += (@as(u128, factor) * ten.low) >> 64;
    const high: u64 = @truncate(product >> 64);
    const low: u64 = @truncate(product);
    const upper: u6 = @intCast(high >> 63);
    const shift: u6 = upper + 9;
    var found = high >> shift;
    const middle = low <= 1 and power <= 4 and found & 3 == 1 and found << shift == high;
    if (middle) found &= ~@as(u64, 1);
    found = (found + (found & 1)) >> 1;
    var exponent = digits.log2Pow10(-@as(i32, @intCast(power))) + 63 + 1023;
    exponent += @as(i32, upper) - @as(i32, zeros);
    if (found == 1 << 53) {
        found = 1 << 52;
        exponent += 1;
    }
    const bits = (found & ~(@as(u64, 1) << 52)) | @as(u64, @intCast(exponent)) << 52;
    return @bitCast(bits);
}

fn word(bytes: *const [8]u8) u64 {
    return std.mem.readInt(u64, bytes, .little);
}

/// A bit for each byte that is no digit, and one behind them all.
inline fn strangers(bytes: *const [window]u8) u32 {
    const Bytes = @Vector(window, u8);
    const zero: Bytes = @splat('0');
    const nine: Bytes = @splat(9);
    const found: @Vector(window, bool) = @as(Bytes, bytes.*) -% zero > nine;
    const mask: u16 = @bitCast(found);
    return @as(u32, mask) | 1 << window;
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
    const value = mark.exactly() orelse
        std.fmt.parseFloat(f64, text[begin..mark.end]) catch return error.NotPlain;
    if (mark.whole and value == 0 and text[begin] == '-') return error.NotPlain;
    return .{ .value = value, .end = mark.end };
}

/// A number by its spelling: whether it has neither point nor exponent, its digits as one whole
/// number, which holds as far as they are `most_digits`, and the power of ten that goes with it.
const Mark = struct {
    end: usize,
    whole: bool,
    signed: bool,
    mantissa: u64,
    count: usize,
    power: i64,

    /// The value where its two parts are exact doubles, so that it is rounded once.
    fn exactly(self: Mark) ?f64 {
        if (self.count > most_digits or self.mantissa > most_exact) return null;
        if (@abs(self.power) >= exact.len) return null;
        const mantissa: f64 = @floatFromInt(self.mantissa);
        const ten = exact[@abs(self.power)];
        const size = if (self.power < 0) mantissa / ten else mantissa * ten;
        return if (self.signed) -size else size;
    }
};

/// Digits that 64 bits hold, whatever they are.
const most_digits = 19;

/// Digits of an exponent up to which it is worked out.
const most_power = 4;

/// Where a number ends that begins here, by the grammar of JSON (RFC 8259, section 6).
fn spelled(text: []const u8, begin: usize) Error!Mark {
    const bounded = text[0..@min(text.len, begin + longest)];
    var at = begin;
    const signed = at < bounded.len and bounded[at] == '-';
    if (signed) at += 1;
    const zero = at < bounded.len and bounded[at] == '0';
    const front = if (zero) Run{ .end = at + 1, .value = 0 } else try run(bounded, at, 0);
    var mark = Mark{
        .end = front.end,
        .whole = true,
        .signed = signed,
        .mantissa = front.value,
        .count = front.end - at,
        .power = 0,
    };
    if (mark.end < bounded.len and bounded[mark.end] == '.') {
        const first = mark.end + 1;
        const back = try run(bounded, first, mark.mantissa);
        const count = back.end - first;
        mark.whole = false;
        mark.mantissa = back.value;
        mark.count += count;
        mark.power = -@as(i64, @intCast(count));
        mark.end = back.end;
    }
    if (mark.end < bounded.len and bounded[mark.end] | 0x20 == 'e') try raised(bounded, &mark);
    // one that goes on, or may go on, is too long
    if (mark.end == bounded.len) return error.NotPlain;
    return mark;
}

/// Takes in the exponent that follows.
fn raised(text: []const u8, mark: *Mark) Error!void {
    var at = mark.end + 1;
    const below = at < text.len and text[at] == '-';
    if (at < text.len and (below or text[at] == '+')) at += 1;
    const found = try run(text, at, 0);
    const many = found.end - at > most_power;
    const power: i64 = if (many) std.math.maxInt(i32) else @intCast(found.value);
    mark.power += if (below) -power else power;
    mark.whole = false;
    mark.end = found.end;
}

/// Where digits end, and what they make of a whole number before them; modulo 2^64.
const Run = struct { end: usize, value: u64 };

/// One digit or more.
fn run(text: []const u8, begin: usize, before: u64) Error!Run {
    var found = Run{ .end = begin, .value = before };
    while (found.end < text.len and std.ascii.isDigit(text[found.end])) : (found.end += 1) {
        found.value = found.value *% 10 +% (text[found.end] - '0');
    }
    return if (found.end == begin) error.NotPlain else found;
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
    const found = try anyInteger(text, begin);
    return .{ .value = found.value, .end = found.end };
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

const spaces: [60]u8 = @splat(' ');

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

test "numbers of many digits are the nearest doubles" {
    var dice = std.Random.DefaultPrng.init(3);
    for (0..50_000) |number| {
        var text: [64]u8 = @splat(' ');
        const mantissa = dice.next() >> @intCast(number % 12);
        const power = dice.random().uintLessThan(usize, 19) + 1;
        const ten = whole_powers[power];
        const told = try std.fmt.bufPrint(&text, "{d}.{d:0>[2]}", .{
            mantissa / ten, mantissa % ten, power,
        });
        const wanted = try std.fmt.parseFloat(f64, told);
        if (medium(text[0..ahead])) |found| try std.testing.expectEqual(wanted, found.value);
        if (mantissa > most_exact) try std.testing.expectEqual(wanted, scaled(mantissa, power));
    }
}

test "numbers with exponents are the nearest doubles" {
    var dice = std.Random.DefaultPrng.init(4);
    for (0..50_000) |number| {
        var text: [64]u8 = @splat(' ');
        const mantissa = dice.next() >> @intCast(number % 64);
        const power = dice.random().intRangeAtMost(i32, -40, 40);
        const told = try std.fmt.bufPrint(&text, "{d}.{d}e{d}", .{
            mantissa % 1000, mantissa / 1000, power,
        });
        const wanted = try std.fmt.parseFloat(f64, told);
        const found = try float(&text, 0);
        try std.testing.expectEqual(wanted, found.value);
        try std.testing.expectEqual(told.len, found.end);
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
