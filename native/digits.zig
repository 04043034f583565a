//! The shortest digits that are read as the same double, and of those the closest to it.
//!
//! Giulietti, "The Schubfach way to render doubles", 2020: with the power of ten at which the
//! doubles around a value are less than one step apart, and two at ten times that power at most,
//! the four candidates are found by three multiplications.

const std = @import("std");

/// A value as digits and a power of ten; the digits may end in zeros.
pub const Decimal = struct { digits: u64, power: i32 };

const fraction_bits = 52;
const hidden: u64 = 1 << fraction_bits;
const bias = 1023 + fraction_bits;

/// The powers of ten that the doubles ask for: down to -292 and up to 324.
pub const least = 292;
const most = 324;

const Power = struct { high: u64, low: u64 };

/// The powers of ten as 128 bits, of which the first is 1, rounded up.
pub const powers: [least + 1 + most]Power = all: {
    @setEvalBranchQuota(10_000);
    var found: [least + 1 + most]Power = undefined;
    var ten = 1;
    for (0..most + 1) |power| {
        const shift: comptime_int = 127 - log2Pow10(power);
        found[least + power] = halved(if (shift < 0) ten else ten << shift, 1 << @max(-shift, 0));
        if (power > 0 and power <= least) {
            const other: comptime_int = 127 - log2Pow10(-@as(i32, power));
            found[least - power] = halved(1 << other, ten);
        }
        ten *= 10;
    }
    break :all found;
};

/// The two halves of a quotient of 128 bits, rounded up.
fn halved(comptime above: comptime_int, comptime below: comptime_int) Power {
    const found = (above + below - 1) / below;
    return .{ .high = found >> 64, .low = found & 0xffffffffffffffff };
}

/// The whole part of the logarithm to base 2 of a power of ten.
pub fn log2Pow10(power: i32) i32 {
    return (power * 1741647) >> 19;
}

/// The whole part of the logarithm to base 10 of 2 to a power; of 3/4 of that where `closer`.
fn log10Pow2(power: i32, closer: bool) i32 {
    return (power * 1262611 - @as(i32, if (closer) 524031 else 0)) >> 22;
}

/// The digits of a finite number above 0.
pub fn shortest(value: f64) Decimal {
    const bits: u64 = @bitCast(value);
    const fraction = bits & (hidden - 1);
    const exponent: i32 = @intCast(bits >> fraction_bits);
    const significand = if (exponent == 0) fraction else fraction | hidden;
    const binary = @as(i32, @max(exponent, 1)) - bias;
    // the double below a power of two is only half as far away
    const closer = fraction == 0 and exponent > 1;
    const power = log10Pow2(binary, closer);
    const shift: u6 = @intCast(binary + log2Pow10(-power) + 1);
    const scale = powers[@intCast(least - power)];
    const middle = 4 * significand;
    const odd = significand & 1;
    const below = scaled(scale, (middle - 2 + @intFromBool(closer)) << shift) + odd;
    const above = scaled(scale, (middle + 2) << shift) - odd;
    return chosen(scaled(scale, middle << shift), below, above, power);
}

/// Four times the value at a power of ten, between its bounds: the digits that fit in best.
fn chosen(value: u64, below: u64, above: u64, power: i32) Decimal {
    const whole = value / 4;
    const tens = whole / 10;
    const under = below <= 40 * tens;
    const over = 40 * tens + 40 <= above;
    if (whole >= 10 and under != over) {
        return .{ .digits = tens + @intFromBool(over), .power = power + 1 };
    }
    const down = below <= 4 * whole;
    const up = 4 * whole + 4 <= above;
    const half = 4 * whole + 2;
    const nearer = value > half or (value == half and whole & 1 == 1);
    return .{ .digits = whole + @intFromBool(if (down != up) up else nearer), .power = power };
}

/// The high 64 bits of a product; their last bit is 1 too where anything was cut off.
inline fn scaled(scale: Power, factor: u64) u64 {
    const low = @as(u128, scale.low) * factor;
    const high = @as(u128, scale.high) * factor + (low >> 64);
    return @as(u64, @truncate(high >> 64)) | @intFromBool(@as(u64, @truncate(high)) > 1);
}

/// Digits as text: `count` of them count, the others are zeros. The first stands `point` places
/// before the point, or as far behind it.
pub const Spelled = struct {
    first: u8,
    high: u64,
    low: u64,
    count: usize,
    point: i32,

    /// Writes all of them.
    pub inline fn put(self: Spelled, out: *[longest]u8) void {
        out[0] = self.first;
        self.putRest(out[1..]);
    }

    /// Writes all but the first.
    pub inline fn putRest(self: Spelled, out: *[longest - 1]u8) void {
        std.mem.writeInt(u64, out[0..8], self.high, .little);
        std.mem.writeInt(u64, out[8..16], self.low, .little);
    }
};

/// Digits that a number may have.
pub const longest = 17;

/// Decimal digits, which are not all 0, as text.
pub fn spelled(decimal: Decimal) Spelled {
    const unit = 100_000_000;
    var digits = decimal.digits;
    var power = decimal.power;
    while (digits < unit * unit) : (digits *= 10) power -= 1;
    const rest = digits % (unit * unit);
    const high = eight(@intCast(rest / unit));
    const low = eight(@intCast(rest % unit));
    const zeros = if (low == none) 8 + @clz(high - none) / 8 else @clz(low - none) / 8;
    return .{
        .first = '0' + @as(u8, @intCast(digits / (unit * unit))),
        .high = high,
        .low = low,
        .count = longest - @as(usize, zeros),
        .point = power + longest,
    };
}

/// Eight times the digit 0.
const none: u64 = 0x3030303030303030;

/// The eight digits of a number below 100000000 as text, the first in the lowest byte: halves, then
/// pairs, then digits side by side.
fn eight(value: u32) u64 {
    const halves: u64 = value / 10000 | @as(u64, value % 10000) << 32;
    const hundreds = ((halves * 10486) >> 20) & 0x0000007f0000007f;
    const pairs = hundreds | (halves - 100 * hundreds) << 16;
    const tens = ((pairs * 103) >> 10) & 0x000f000f000f000f;
    return (tens | (pairs - 10 * tens) << 8) + none;
}

test "the digits are those of the standard library" {
    var dice = std.Random.DefaultPrng.init(7);
    for (0..50_000) |number| {
        const bits = dice.next() >> 1;
        const narrow: f32 = @bitCast(@as(u32, @truncate(bits >> 8)));
        const value = if (number % 2 == 0) @as(f64, @bitCast(bits)) else @abs(narrow);
        if (!std.math.isFinite(value) or value == 0) continue;
        const float = std.fmt.float;
        const whole: u64 = @bitCast(value);
        const tables = &float.Backend64_TablesFull;
        const wanted = float.binaryToDecimal(u64, whole, 52, 11, false, tables);
        const found = spelled(shortest(value));
        var mine: [longest]u8 = undefined;
        found.put(&mine);
        var text: [24]u8 = undefined;
        const digits = try std.fmt.bufPrint(&text, "{d}", .{wanted.mantissa});
        try std.testing.expectEqualStrings(
            std.mem.trimEnd(u8, digits, "0"),
            mine[0..found.count],
        );
    }
}

test "eight digits lie side by side" {
    for ([_]u32{ 0, 12345678, 99999999, 10203 }) |value| {
        var text: [8]u8 = undefined;
        var found: [8]u8 = undefined;
        _ = try std.fmt.bufPrint(&text, "{d:0>8}", .{value});
        std.mem.writeInt(u64, &found, eight(value), .little);
        try std.testing.expectEqualStrings(&text, &found);
    }
}
