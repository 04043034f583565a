//! The shortest digits that are read as the same double, and of those the closest to it.
//!
//! Giulietti, "The Schubfach way to render doubles", 2020: with the power of ten at which the
//! doubles around a value are less than one step apart, and two at ten times that power at most,
//! the four candidates are found by three multiplications. Nearly always one is enough: what it
//! gives lies far from where one candidate ends and the next begins.

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
    return (power *% 1741647) >> 19;
}

/// The whole part of the logarithm to base 10 of 2 to a power; of 3/4 of that where `closer`.
fn log10Pow2(power: i32, closer: bool) i32 {
    return (power *% 1262611 -% @as(i32, if (closer) 524031 else 0)) >> 22;
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

/// The same by one multiplication, and as 16 or 17 digits; null where that cannot tell.
inline fn quick(value: f64) ?Decimal {
    const bits: u64 = @bitCast(value);
    const fraction = bits & (hidden - 1);
    const exponent: i32 = @intCast(bits >> fraction_bits);
    if (fraction == 0 or exponent == 0) return null;
    const binary = exponent -% bias;
    const power = log10Pow2(binary, false);
    // 1 to 4
    const shift: u6 = @truncate(@as(u32, @bitCast(binary +% log2Pow10(-%power) +% 1)));
    const scale = powers[@intCast(least - power)];
    const factor = (fraction | hidden) << shift;
    const low = @as(u128, scale.low) *% factor;
    const found = @as(u128, scale.high) *% factor +% (low >> 64);
    const whole: u64 = @truncate(found >> 64);
    const part: u64 = @truncate(found);
    // what is left above the ten below, what lacks to the ten above, and half the way to the next
    // double: in steps of 2^-60
    const tens = whole / 10;
    const above = (whole -% 10 *% tens) << 60 | part >> 4;
    const below = (10 << 60) -% above;
    const half = scale.high >> (5 -% shift);
    if (near(above, half) or near(below, half) or near(part, 1 << 63)) return null;
    const up = below < half;
    const short = 10 *% (tens +% @intFromBool(up));
    const long = whole +% (part >> 63);
    return .{ .digits = if (up or above < half) short else long, .power = power };
}

/// Whether two numbers are so close that which is larger may be an error of rounding.
inline fn near(one: u64, other: u64) bool {
    const error_bound = 16;
    return one -% other +% error_bound <= 2 * error_bound;
}

/// Digits as text: `count` of them count, the others are zeros. The first stands `point` places
/// before the point, or as far behind it.
pub const Spelled = struct {
    first: u8,
    rest: Rest,
    count: usize,
    point: i32,

    /// Writes all of them.
    pub inline fn put(self: Spelled, out: *[longest]u8) void {
        out[0] = self.first;
        self.putRest(out[1..]);
    }

    /// Writes all but the first.
    pub inline fn putRest(self: Spelled, out: *[longest - 1]u8) void {
        out.* = self.rest;
    }
};

/// Digits that a number may have.
pub const longest = 17;

/// All of them but the first.
const Rest = @Vector(longest - 1, u8);

/// The digits of a finite number above 0 as text.
pub inline fn spelled(value: f64) Spelled {
    const found = quick(value) orelse exactly(value);
    return written(found);
}

/// Those that need care; as 16 or 17 digits.
noinline fn exactly(value: f64) Decimal {
    var found = shortest(value);
    while (found.digits < unit * unit / 10) : (found.digits *= 10) found.power -= 1;
    return found;
}

const unit = 100_000_000;

/// 16 or 17 digits as text.
inline fn written(decimal: Decimal) Spelled {
    const whole = decimal.digits >= unit * unit;
    const digits = if (whole) decimal.digits else 10 *% decimal.digits;
    // each by a product of its own, so that none waits for another
    const first = digits / (unit * unit);
    const above = digits / unit;
    const high: u32 = @truncate(above -% first *% unit);
    const low: u32 = @truncate(digits -% above *% unit);
    const found = sixteen(.{ high, low });
    const others: u16 = @bitCast(found != @as(Rest, @splat('0')));
    return .{
        .first = @truncate('0' +% first),
        .rest = found,
        .count = longest - @as(usize, @clz(others)),
        .point = decimal.power +% (longest - 1) +% @intFromBool(whole),
    };
}

/// Eight digits each of two numbers as text: halves, then pairs, then digits side by side.
inline fn sixteen(eights: @Vector(2, u64)) Rest {
    const Fours = @Vector(8, u16);
    const Halves = @Vector(4, u32);
    const Wholes = @Vector(2, u64);
    const front = (eights *% @as(Wholes, @splat(109951163))) >> @splat(40);
    const back = eights -% front *% @as(Wholes, @splat(10000));
    const fours: Fours = @bitCast(front | back << @splat(32));
    const hundreds = divided(fours, 5243, 3);
    const ones = fours -% hundreds *% @as(Fours, @splat(100));
    const beside = @as(Halves, @bitCast(ones)) << @splat(16);
    const pairs: Fours = @bitCast(@as(Halves, @bitCast(hundreds)) | beside);
    const tens = divided(pairs, 6554, 0);
    const last = pairs -% tens *% @as(Fours, @splat(10));
    return @as(Rest, @bitCast(tens | last << @splat(8))) | @as(Rest, @splat('0'));
}

/// The high half of a product, without its last bits.
inline fn divided(values: @Vector(8, u16), factor: u16, bits: u4) @Vector(8, u16) {
    const Wide = @Vector(8, u32);
    const product = @as(Wide, values) * @as(Wide, @splat(factor));
    return @as(@Vector(8, u16), @truncate(product >> @splat(16))) >> @splat(bits);
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
        const found = spelled(value);
        const careful = written(exactly(value));
        try std.testing.expectEqual(careful, found);
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

test "digits lie side by side" {
    for ([_]u32{ 0, 12345678, 99999999, 10203 }) |high| {
        for (0..10000) |low| {
            var wanted: [16]u8 = undefined;
            _ = try std.fmt.bufPrint(&wanted, "{d:0>8}{d:0>4}{d:0>4}", .{ high, 9999 - low, low });
            const found: [16]u8 = sixteen(.{ high, (9999 - low) * 10000 + low });
            try std.testing.expectEqualStrings(&wanted, &found);
        }
    }
}
