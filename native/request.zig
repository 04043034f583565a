//! The request of an `infer` call in JSON: its tensors are filled in one pass, or it is not plain.

const std = @import("std");
const Reader = @import("reader.zig");
const plans = @import("plan.zig");

const Error = Reader.Error;
const Plan = plans.Plan;
const Input = plans.Input;

/// Inputs that a model may have here: one bit each tells which have come.
const most_inputs = 64;

/// A request that was read: its rows, and the bytes of its id if it has one.
pub const Request = struct { rows: usize, id: ?usize = null };

/// Fills the tensors of the plan, from the row `first` on, from the body.
pub fn read(plan: *Plan, first: usize, body: []const u8) Error!Request {
    if (first > plan.room) return error.NotPlain;
    plan.first = first;
    if (plan.inputs.len > most_inputs) return error.NotPlain;
    var reader = Reader{ .text = body };
    var rows: ?usize = null;
    var id: ?usize = null;
    try reader.take('{');
    while (true) {
        const called = try reader.name();
        if (std.mem.eql(u8, called, "inputs") and rows == null) {
            rows = try inputs(plan, &reader);
        } else if (std.mem.eql(u8, called, "id") and id == null) {
            id = try identity(plan, &reader);
        } else return error.NotPlain;
        if (!try reader.more('}')) break;
    }
    try reader.done();
    return .{ .rows = rows orelse return error.NotPlain, .id = id };
}

/// An id of ASCII letters and signs, which is kept in the plan.
fn identity(plan: *Plan, reader: *Reader) Error!usize {
    const text = try reader.string();
    if (text.len > plans.id_length) return error.NotPlain;
    for (text) |byte| {
        if (byte >= 0x7f) return error.NotPlain;
    }
    @memcpy(plan.id[0..text.len], text);
    return text.len;
}

/// All inputs of the model, each once and of as many rows.
fn inputs(plan: *Plan, reader: *Reader) Error!usize {
    var seen: u64 = 0;
    var rows: usize = 0;
    try reader.take('[');
    while (true) {
        const tensor = try one(plan, reader);
        const bit = @as(u64, 1) << @intCast(tensor.number);
        if (seen & bit != 0 or (seen != 0 and tensor.rows != rows)) return error.NotPlain;
        seen |= bit;
        rows = tensor.rows;
        if (!try reader.more(']')) break;
    }
    return if (@popCount(seen) == plan.inputs.len) rows else error.NotPlain;
}

const Tensor = struct { number: usize, rows: usize };

/// A shape as it is told, of one dimension or two.
const Shape = struct { sizes: [2]usize, rank: usize };

/// The members of a tensor, as far as they have come.
const Members = struct {
    number: ?usize = null,
    shape: ?Shape = null,
    datatype: ?[]const u8 = null,
    data: ?Data = null,
};

const Data = struct {
    /// Where it begins.
    at: usize,
    /// Its rows, once it is known whose they are.
    filled: ?Filled = null,
};

const Filled = struct { rows: usize, nested: bool };

fn one(plan: *Plan, reader: *Reader) Error!Tensor {
    var found = Members{ .number = null };
    try reader.take('{');
    while (true) {
        try member(plan, reader, &found);
        if (!try reader.more('}')) break;
    }
    const number = found.number orelse return error.NotPlain;
    const input = &plan.inputs[number];
    const datatype = found.datatype orelse return error.NotPlain;
    if (!std.mem.eql(u8, datatype, @tagName(input.datatype))) return error.NotPlain;
    const data = found.data orelse return error.NotPlain;
    const filled = data.filled orelse behind: {
        // it came before the name
        var again = Reader{ .text = reader.text, .at = data.at };
        break :behind try fill(plan, input, &again);
    };
    const shape = found.shape orelse return error.NotPlain;
    if (!fits(shape, input.width, filled)) return error.NotPlain;
    return .{ .number = number, .rows = filled.rows };
}

fn member(plan: *Plan, reader: *Reader, found: *Members) Error!void {
    const called = try reader.name();
    if (std.mem.eql(u8, called, "data") and found.data == null) {
        const at = reader.at;
        if (found.number) |number| {
            const filled = try fill(plan, &plan.inputs[number], reader);
            found.data = .{ .at = at, .filled = filled };
        } else {
            try reader.skip();
            found.data = .{ .at = at };
        }
    } else if (std.mem.eql(u8, called, "name") and found.number == null) {
        found.number = try numbered(plan, try reader.string());
    } else if (std.mem.eql(u8, called, "shape") and found.shape == null) {
        found.shape = try shaped(reader);
    } else if (std.mem.eql(u8, called, "datatype") and found.datatype == null) {
        found.datatype = try reader.string();
    } else return error.NotPlain;
}

fn numbered(plan: *const Plan, name: []const u8) Error!usize {
    for (plan.inputs, 0..) |input, number| {
        if (std.mem.eql(u8, input.name, name)) return number;
    }
    return error.NotPlain;
}

fn shaped(reader: *Reader) Error!Shape {
    var shape = Shape{ .sizes = .{ 0, 0 }, .rank = 0 };
    try reader.take('[');
    while (true) {
        if (shape.rank == shape.sizes.len) return error.NotPlain;
        shape.sizes[shape.rank] = try reader.size();
        shape.rank += 1;
        if (!try reader.more(']')) return shape;
    }
}

/// Whether the data has the shape that it is said to have; a column may come without its second
/// dimension, and is then not nested.
fn fits(shape: Shape, width: usize, filled: Filled) bool {
    if (shape.sizes[0] != filled.rows) return false;
    if (shape.rank == 2) return shape.sizes[1] == width;
    return width == 1 and !filled.nested;
}

fn fill(plan: *const Plan, input: *Input, reader: *Reader) Error!Filled {
    switch (input.datatype) {
        inline else => |datatype| {
            if (input.even) return filledWith(datatype, true, plan, input, reader);
            return filledWith(datatype, false, plan, input, reader);
        },
    }
}

/// Reads a list of values, flat or of one list a row, into the input's memory.
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
        const row = held[rows * columns.len ..][0..columns.len];
        for (row, columns, 0..) |*place, column, number| {
            if (number > 0) try own.take(',');
            place.* = try value(datatype, even, column, &own);
        }
        if (nested) try own.take(']');
        rows += 1;
        if (!try own.more(']')) break;
    }
    reader.* = own;
    return .{ .rows = rows, .nested = nested };
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
fn ofKind(kind: plans.Kind, found: anytype) bool {
    if (kind == .any) return true;
    if (@TypeOf(found) == f64) {
        if (@trunc(found) != found or @abs(found) >= 1 << 63) return false;
        if (found == 0 and std.math.signbit(found)) return false;
    }
    return kind == .whole or found == 0 or found == 1;
}
