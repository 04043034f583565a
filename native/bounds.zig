//! Whether all values of a table lie within the bounds of their columns, in one pass over it.

const std = @import("std");

/// Bytes that are compared at once.
const width = 64;

/// Bytes ahead that are asked of memory: processors ask for no more than a few lines by themselves.
const ahead = 4096;

/// Whether each value, row by row, is at least its column's `low` and at most its `high`; a value
/// that is no number is neither.
pub fn within(
    comptime T: type,
    values: []align(1) const T,
    low: []align(1) const T,
    high: []align(1) const T,
) bool {
    var at: usize = 0;
    while (at < values.len) : (at += low.len) {
        if (!rowWithin(T, values[at..][0..low.len], low, high)) return false;
    }
    return true;
}

inline fn rowWithin(
    comptime T: type,
    row: []align(1) const T,
    low: []align(1) const T,
    high: []align(1) const T,
) bool {
    const lanes = width / @sizeOf(T);
    const Lanes = @Vector(lanes, T);
    var fits: @Vector(lanes, bool) = @splat(true);
    var at: usize = 0;
    while (at + lanes <= row.len) : (at += lanes) {
        @prefetch(@as([*]const u8, @ptrCast(row.ptr)) + at * @sizeOf(T) + ahead, .{});
        const value: Lanes = row[at..][0..lanes].*;
        const least: Lanes = low[at..][0..lanes].*;
        const most: Lanes = high[at..][0..lanes].*;
        fits = fits & (value >= least) & (value <= most);
    }
    if (!@reduce(.And, fits)) return false;
    for (row[at..], low[at..], high[at..]) |value, least, most| {
        if (!(value >= least and value <= most)) return false;
    }
    return true;
}

test "a value beyond its column's bounds is found wherever it stands" {
    inline for (.{ f32, f64, i8, i32, i64, u8, u64 }) |T| {
        var low: [37]T = undefined;
        var high: [37]T = undefined;
        var values: [3 * 37]T = undefined;
        for (&low, &high, 0..) |*least, *most, number| {
            least.* = if (@typeInfo(T) == .float) @floatFromInt(number) else @intCast(number);
            most.* = least.* + 40;
        }
        for (&values, 0..) |*value, number| value.* = low[number % 37];
        try std.testing.expect(within(T, &values, &low, &high));
        for (&values, 0..) |*value, number| {
            const before = value.*;
            value.* = high[number % 37] + 1;
            try std.testing.expect(!within(T, &values, &low, &high));
            value.* = before;
        }
    }
}

test "what is no number is within nothing" {
    const nan = std.math.nan(f32);
    const least: [20]f32 = @splat(-std.math.inf(f32));
    const most: [20]f32 = @splat(std.math.inf(f32));
    var values: [20]f32 = @splat(0);
    for (&values) |*value| {
        value.* = nan;
        try std.testing.expect(!within(f32, &values, &least, &most));
        value.* = 0;
    }
    try std.testing.expect(within(f32, &values, &least, &most));
}
