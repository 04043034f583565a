//! Numbers that lie side by side in 64 bytes of a JSON text, found all at once: one bit stands for
//! each byte, and the grammar of numbers becomes arithmetic of 64 bits.
//!
//! After Langdale and Lemire, "Parsing gigabytes of JSON per second", The VLDB Journal 28, 2019,
//! sections 3.1 and 3.2.

const std = @import("std");

/// Bytes of a block.
pub const size = 64;

const Bytes = @Vector(size, u8);

const Block = @This();

/// The first digit of each number.
digits: u64 = 0,
/// The point of each number, or its end where it has none.
points: u64 = 0,
/// The byte behind each number: a comma, or the bracket that closes the list.
ends: u64 = 0,
/// The signs.
signs: u64 = 0,
/// Whether a number has more than 8 digits before the point or behind it, or 16 of them.
long: bool = false,

/// The numbers at the beginning of the bytes, up to the last whose end is there, or the bracket
/// that closes their list. A comma and at most one blank lie between them.
///
/// Null where one of them has an exponent, or is none in the grammar of JSON (RFC 8259, section 6),
/// or is a zero with a sign but no point, or where other bytes lie between.
pub inline fn read(bytes: *const [size]u8) ?Block {
    const all: Bytes = bytes.*;
    const figures = bits(all -% splat('0') <= splat(9));
    const dots = bits(all == splat('.'));
    const commas = bits(all == splat(','));
    const gaps = bits(all == splat(' '));
    const others = ~(figures | dots | commas | gaps);
    var ends = commas;
    var dashes: u64 = 0;
    if (others != 0) {
        dashes = bits(all == splat('-'));
        const closing = bits(all == splat(']'));
        // nothing behind the first bracket counts
        ends = (commas | closing) & (closing ^ (closing -% 1));
    }
    if (ends == 0) return null;
    const kept = ~@as(u64, 0) >> @truncate(@clz(ends));
    const digits = figures & kept;
    const points = dots & kept;
    const signs = dashes & kept;
    const blanks = gaps & kept;
    const numbers = digits | points | signs;
    const starts = numbers & ~(numbers << 1);
    const firsts = (starts ^ signs) | signs << 1;
    const zeros = firsts & bits(all == splat('0'));
    // whatever is none of these ends no number and stands in none
    const known = numbers | blanks | ends;
    var bad = kept & ~known;
    bad |= signs & ~starts;
    bad |= firsts & ~digits;
    bad |= (points | ends) & ~(digits << 1);
    bad |= (points << 1) & ~digits;
    // digits behind a point end the number
    const pointed = (digits +% (points << 1)) & ~digits;
    bad |= pointed & ~ends;
    bad |= blanks & ~(commas << 1 | 1);
    bad |= (blanks << 1) & ~starts;
    bad |= (zeros << 1) & digits;
    bad |= ((zeros & signs << 1) << 1) & ~points;
    if (bad != 0) return null;
    return .{
        .digits = firsts,
        .points = points | (ends & ~pointed),
        .ends = ends,
        .signs = signs,
        .long = tooLong(digits, points),
    };
}

inline fn tooLong(digits: u64, points: u64) bool {
    const two = digits & digits >> 1;
    const four = two & two >> 2;
    const eight = four & four >> 4;
    return (eight & eight >> 1) | (points & eight << 8 & eight >> 1) != 0;
}

/// Where the last number ends.
pub inline fn last(self: *const Block) usize {
    return size - 1 - @as(usize, @clz(self.ends));
}

/// A number's first digit, its point, which is its end where it has none, and its end.
pub const Place = struct { digit: usize, point: usize, end: usize, sign: u1 };

/// Takes the first number away; there must be one. Whether it has a sign is told where some may.
pub inline fn next(self: *Block, comptime signed: bool) Place {
    @setRuntimeSafety(false);
    const digit = first(&self.digits);
    return .{
        .digit = digit,
        .point = first(&self.points),
        .end = first(&self.ends),
        .sign = if (signed) @truncate((self.signs << 1) >> @truncate(digit)) else 0,
    };
}

/// Takes the first bit away; there must be one.
inline fn first(mask: *u64) usize {
    @setRuntimeSafety(false);
    const found = mask.*;
    if (found == 0) unreachable;
    mask.* = found & (found - 1);
    return @ctz(found);
}

inline fn splat(byte: u8) Bytes {
    return @splat(byte);
}

inline fn bits(found: @Vector(size, bool)) u64 {
    return @bitCast(found);
}

fn padded(comptime text: []const u8) [size]u8 {
    var found: [size]u8 = @splat(0);
    @memcpy(found[0..text.len], text);
    return found;
}

test "the numbers of a block are found where they lie" {
    const text = padded("0.5,-12, 7.25, 1000.0]; 9, 8");
    var block = Block.read(&text).?;
    try std.testing.expectEqual(21, block.last());
    const places = .{ .{ 0, 1, 3, 0 }, .{ 5, 7, 7, 1 }, .{ 9, 10, 13, 0 }, .{ 15, 19, 21, 0 } };
    inline for (places) |one| {
        const place = Place{ .digit = one[0], .point = one[1], .end = one[2], .sign = one[3] };
        try std.testing.expectEqual(place, block.next(true));
    }
    try std.testing.expectEqual(0, block.ends);
}

test "a block that is not plain has no numbers" {
    inline for (.{
        "01,",  "-0,",  "1.,", ".5,", "1.2.3,", "1,,2,", "1 2,", "--1,", "1-,",    "+1,",
        "1e5,", "1;2,", "1 ,", ",",   "1,  2,", "]",     "1",    "",     "1,\n2,",
    }) |text| try std.testing.expectEqual(null, Block.read(&padded(text)));
}

test "long numbers are told apart" {
    inline for (.{ "123456789,", "0.123456789,", "12345678.12345678,", "5, 0.123456789," }) |text| {
        try std.testing.expect(Block.read(&padded(text)).?.long);
    }
    inline for (.{ "12345678,", "0.12345678,", "1234567.12345678,", "12345678.12," }) |text| {
        try std.testing.expect(!Block.read(&padded(text)).?.long);
    }
}
