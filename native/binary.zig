//! The values of a tensor as bytes: little-endian, in C order, without gaps.

const builtin = @import("builtin");
const std = @import("std");
const Reader = @import("reader.zig");
const bounds = @import("bounds.zig");
const plans = @import("plan.zig");
const values = @import("values.zig");

const Error = Reader.Error;

comptime {
    std.debug.assert(builtin.cpu.arch.endian() == .little);
}

/// Copies rows into the memory of an input, from the row `first` on, unless they lie there already,
/// and checks them there.
pub fn fill(input: *plans.Input, first: usize, rows: usize, bytes: []const u8) Error!void {
    if (rows * input.row() != bytes.len) return error.NotPlain;
    const memory = input.rows(first)[0..bytes.len];
    if (memory.ptr != bytes.ptr) @memcpy(memory, bytes);
    switch (input.datatype) {
        inline else => |datatype| {
            const held: []const datatype.Held() = @ptrCast(@alignCast(memory));
            if (input.even) {
                const edges: []const datatype.Held() = @ptrCast(input.edges);
                const low = edges[0..input.width];
                const high = edges[input.width..];
                if (!bounds.within(datatype.Held(), held, low, high)) return error.NotPlain;
            } else try checked(datatype, held, input.columns.of(datatype.Wide()));
        },
    }
}

/// Looks at values one by one: columns of other kinds, and what stands for no value.
fn checked(
    comptime datatype: plans.Datatype,
    held: []const datatype.Held(),
    columns: []const plans.Column(datatype.Wide()),
) Error!void {
    const real = datatype.Wide() == f64;
    for (held, 0..) |value, number| {
        const column = columns[number % columns.len];
        if (real and column.nullable and std.math.isNan(value)) continue;
        const low = datatype.edge(column.low) orelse return error.NotPlain;
        const high = datatype.edge(column.high) orelse return error.NotPlain;
        if (!(value >= low and value <= high)) return error.NotPlain;
        const wide: datatype.Wide() = if (real) value else @intCast(value);
        if (!values.ofKind(column.kind, wide)) return error.NotPlain;
    }
}

/// Whether all floats of an output are finite; what is none of these is.
pub fn finite(datatype: plans.Datatype, bytes: []const u8) bool {
    switch (datatype) {
        inline .FP32, .FP64 => |known| {
            var good: u1 = 1;
            for (std.mem.bytesAsSlice(known.Held(), bytes)) |value| {
                good &= @intFromBool(std.math.isFinite(value));
            }
            return good == 1;
        },
        else => return true,
    }
}

test "only floats may be other than finite" {
    try std.testing.expect(finite(.FP32, std.mem.asBytes(&[_]f32{ 1, -0.0 })));
    try std.testing.expect(!finite(.FP64, std.mem.asBytes(&[_]f64{ 1, std.math.inf(f64) })));
    try std.testing.expect(finite(.INT64, std.mem.asBytes(&[_]i64{-1})));
}
