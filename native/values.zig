//! The values of a tensor in JSON, flat or of one list a row, checked while they are read.

const std = @import("std");
const Reader = @import("reader.zig");
const bounds = @import("bounds.zig");
const plans = @import("plan.zig");
const rowed = @import("row.zig");

const Error = Reader.Error;
const Plan = plans.Plan;
const Input = plans.Input;

/// Rows that were read, and whether each had a list of its own.
pub const Filled = struct { rows: usize, nested: bool };

/// Reads a list of values into the input's memory.
pub fn fill(plan: *const Plan, input: *Input, reader: *Reader) Error!Filled {
    switch (input.datatype) {
        inline else => |datatype| {
            if (input.even) return filledWith(datatype, true, plan, input, reader);
            return filledWith(datatype, false, plan, input, reader);
        },
    }
}

fn filledWith(
    comptime datatype: plans.Datatype,
    comptime even: bool,
    plan: *const Plan,
    input: *Input,
    reader: *Reader,
) Error!Filled {
    const columns = input.columns.of(datatype.Wide());
    const all: []datatype.Held() = @ptrCast(input.memory);
    const held = all[plan.first * columns.len ..];
    const most = @min(plan.rows, plan.room - plan.first);
    // a copy that nobody else holds stays in registers
    var own = reader.*;
    try own.take('[');
    const nested = try own.peek() == '[';
    var rows: usize = 0;
    while (true) {
        if (rows == most) return error.NotPlain;
        if (nested) try own.take('[');
        const rest = held[rows * columns.len ..];
        if (datatype.Wide() == f64 and even and (!nested or columns.len >= rowed.least)) {
            const wide = input.wide orelse unreachable;
            rows += try together(wide, columns.len, if (nested) 1 else most - rows, &own, rest);
        } else {
            for (rest[0..columns.len], columns, 0..) |*place, column, number| {
                if (number > 0) try own.take(',');
                place.* = try value(datatype, even, column, &own);
            }
            rows += 1;
        }
        if (nested) try own.take(']');
        if (!try own.more(']')) break;
    }
    reader.* = own;
    return .{ .rows = rows, .nested = nested };
}

/// Reads rows whose columns take any number of their range, no more than `most`; how many.
inline fn together(
    wide: plans.Doubles,
    columns: usize,
    most: usize,
    reader: *Reader,
    held: anytype,
) Error!usize {
    const room = @min(most * columns, wide.values.len);
    const count = try rowed.read(reader, wide.values[0..room]);
    const found = wide.values[0..count];
    if (count % columns != 0) return error.NotPlain;
    if (!bounds.within(f64, found, wide.low[0..count], wide.high[0..count])) return error.NotPlain;
    for (held[0..count], found) |*place, number| place.* = @floatCast(number);
    return count / columns;
}

/// One value, which the training data may have held.
inline fn value(
    comptime datatype: plans.Datatype,
    comptime even: bool,
    column: plans.Column(datatype.Wide()),
    reader: *Reader,
) Error!datatype.Held() {
    const real = datatype.Wide() == f64;
    if (real and !even and column.nullable and try reader.peek() == 'n') {
        try reader.word("null");
        return std.math.nan(datatype.Held());
    }
    const found = switch (datatype) {
        .BOOL => @as(i64, @intFromBool(try reader.truth())),
        .FP32, .FP64 => try reader.float(),
        else => try reader.integer(),
    };
    if (!(found >= column.low and found <= column.high)) return error.NotPlain;
    if (!even and !ofKind(column.kind, found)) return error.NotPlain;
    if (real) return @floatCast(found);
    return std.math.cast(datatype.Held(), found) orelse error.NotPlain;
}

/// Whether a value is of its column's kind. A zero with a sign is a whole number to some readers
/// only, and so is one beyond 64 bits.
pub fn ofKind(kind: plans.Kind, found: anytype) bool {
    if (kind == .any) return true;
    if (@TypeOf(found) == f64) {
        if (@trunc(found) != found or @abs(found) >= 1 << 63) return false;
        if (found == 0 and std.math.signbit(found)) return false;
    }
    return kind == .whole or found == 0 or found == 1;
}
