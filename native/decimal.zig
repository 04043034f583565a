//! The value of a number whose digits have been found.

const std = @import("std");
const Block = @import("block.zig");
const numbers = @import("numbers.zig");

/// Bytes before a number that are read with it.
pub const before = 24;

/// Eight digits each of two parts of a number, beside others that do not count.
const Words = @Vector(2, u64);

/// The values of the digits among the last so many of eight bytes.
const values: [*]const u64 = table: {
    var found: [9]u64 = undefined;
    for (&found, 0..) |*one, count| one.* = last(count);
    const made = found;
    break :table &made;
};

/// The same from a number's point on to its end: the point itself is none, nor is the end.
const behind: [*]const u64 = table: {
    var found: [10]u64 = undefined;
    for (&found, 0..) |*one, bytes| one.* = last(bytes -| 1);
    const made = found;
    break :table &made;
};

fn last(count: usize) u64 {
    const all: u64 = 0x0f0f0f0f0f0f0f0f;
    return if (count == 0) 0 else all << (8 * (8 - count));
}

/// What a number's digits before the point are multiplied by, those behind it, and what their sum
/// is divided by; the last below 0 too.
const scales: [*]const [4]f64 = table: {
    var found: [10][4]f64 = undefined;
    for (&found, 0..) |*one, bytes| {
        const power = numbers.exact[bytes -| 1];
        one.* = .{ power, 1, power, -power };
    }
    const made = found;
    break :table &made;
};

/// The double nearest to a number of a block that is not `long`; `base` is where the block begins.
pub inline fn short(base: [*]const u8, place: Block.Place) f64 {
    const Pair = @Vector(2, f64);
    const bytes = place.end -% place.point;
    const words = Words{ word(base, place.point), word(base, place.end) };
    const masks = Words{ values[place.point -% place.digit], behind[bytes] };
    // below 2^52 the bits of a whole number are those of a fraction
    const step: Pair = @splat(1 << 52);
    const parts: Pair = @bitCast(valued(words & masks) | @as(Words, @bitCast(step)));
    const scale = &scales[bytes];
    const both = (parts - step) * @as(Pair, scale[0..2].*);
    return (both[0] + both[1]) / scale[2 + @as(usize, place.sign)];
}

/// The double nearest to any number of a block.
pub fn long(base: [*]const u8, place: Block.Place) numbers.Error!f64 {
    const size = if (digits(base, place)) |found|
        numbers.fraction(found, (place.end - place.point) -| 1)
    else
        std.fmt.parseFloat(f64, base[place.digit..place.end]) catch return error.NotPlain;
    return if (place.sign == 1) -size else size;
}

/// All digits of a number as one whole number; null where these may be too many.
fn digits(base: [*]const u8, place: Block.Place) ?u64 {
    const before_point = place.point - place.digit;
    const count = (place.end - place.point) -| 1;
    if (before_point > 8 or count > 19) return null;
    const high = valued(.{
        word(base, place.point) & values[before_point],
        word(base - 16, place.end) & values[count -| 16],
    });
    const low = valued(.{
        word(base - 8, place.end) & values[@min(count -| 8, 8)],
        word(base, place.end) & values[@min(count, 8)],
    });
    if (high[0] != 0 and before_point + count > 19) return null;
    const eight = numbers.whole_powers[8];
    return high[0] * numbers.whole_powers[count] + (high[1] * eight + low[0]) * eight + low[1];
}

/// The value of eight digits in each half, the first in the lowest byte.
inline fn valued(words: Words) Words {
    const Pairs = @Vector(8, u16);
    const Fours = @Vector(4, u32);
    const ones: Pairs = @bitCast(words);
    const tens: Fours = @bitCast(ones *% @as(Pairs, @splat(10 * 256 + 1)) >> @splat(8));
    const front = tens & @as(Fours, @splat(0xffff));
    const hundreds: Words = @bitCast(front * @as(Fours, @splat(100)) + (tens >> @splat(16)));
    const low: Words = @splat(0xffffffff);
    return (hundreds & low) * @as(Words, @splat(10000)) + (hundreds >> @splat(32));
}

/// The eight bytes before a place.
inline fn word(base: [*]const u8, end: usize) u64 {
    return std.mem.readInt(u64, (base + end - 8)[0..8], .little);
}
