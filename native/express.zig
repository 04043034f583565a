//! The plainest requests, read and answered by compiled code.
//!
//! Each function says yes only to what is wholly plain and good; whatever else comes is left to
//! the server's ordinary road. Nothing is allocated, no system call is made, and no pointer into a
//! request is kept. Memory is the caller's. A plan serves one call at a time.

const builtin = @import("builtin");
const std = @import("std");
const bounds = @import("bounds.zig");
const plans = @import("plan.zig");
const request = @import("request.zig");
const writer = @import("writer.zig");

/// A fault ends the process with a line that names it.
pub const panic = std.debug.FullPanic(stopped);

fn stopped(fault: []const u8, _: ?usize) noreturn {
    _ = std.os.linux.write(2, fault.ptr, fault.len);
    _ = std.os.linux.write(2, "\n", 1);
    @trap();
}

/// What is linked into the library; bills of materials read it from there.
export const express_parts = ("Zig " ++ builtin.zig_version_string ++ " std").*;

/// The version of this interface: a library of another one is not used.
export fn express_version() u32 {
    return 3;
}

/// Lays a plan out in `memory` from what `spec`, a JSON text, says of a model. Null for a model
/// that is not served, and for too little memory.
export fn express_plan(spec: [*]const u8, length: usize, memory: [*]u8, size: usize) ?*plans.Plan {
    return plans.made(memory[0..size], spec[0..length]) catch null;
}

/// Where the tensor of an input lies.
export fn express_input(plan: *plans.Plan, number: usize) [*]u8 {
    return plan.inputs[number].memory.ptr;
}

/// Where the id of the last request lies.
export fn express_id(plan: *plans.Plan) [*]u8 {
    return &plan.id;
}

/// Where answers are written.
export fn express_out(plan: *plans.Plan) [*]u8 {
    return plan.out.ptr;
}

/// Bytes of the longest answer.
export fn express_room(plan: *plans.Plan) usize {
    return plan.out.len;
}

/// A plan where a caller keeps its address: texts and numbers of 32 bits are what Python hands over
/// fastest.
const Handle = *const *plans.Plan;

/// Reads the body of an `infer` request into the tensors, from the row `first` on. Its JSON ends at
/// `header` where tensors in bytes follow; 0 stands for JSON alone.
///
/// In the low 24 bits its rows, 0 where it is not plain or has no room; in the next 8 the length of
/// its id and 1, or 0 where it has none; above them the form of its answer.
export fn express_read(
    handle: Handle,
    first: u32,
    body: [*]const u8,
    length: u32,
    header: u32,
) u64 {
    const found = request.read(handle.*, first, body[0..length], header) catch return 0;
    const id: u64 = if (found.id) |size| size + 1 else 0;
    return @as(u64, found.form) << 32 | id << 24 | @as(u24, @intCast(found.rows));
}

/// Writes the answer of `rows` rows from `first` on, of a call of `all` rows whose outputs lie one
/// after the other in `tensors`, in the form that `express_read` gave.
///
/// In the low 32 bits its length, 0 where the ordinary road must write it; above them that of its
/// JSON where tensors in bytes follow it, else 0.
export fn express_write(
    handle: Handle,
    all: u32,
    first: u32,
    rows: u32,
    form: u32,
    id: [*]const u8,
    id_length: u32,
    tensors: [*]const u8,
    length: u32,
) u64 {
    const part = writer.Part{ .all = all, .first = first, .rows = rows };
    const bytes = tensors[0..length];
    const found = writer.write(handle.*, part, form, id[0..id_length], bytes) catch return 0;
    return @as(u64, found.json) << 32 | @as(u32, @intCast(found.length));
}

/// Whether all values of a table of `columns` columns lie within the bounds of these. `datatype` is
/// the number of their type in the list of those that are served.
export fn express_within(
    datatype: u32,
    values: [*]const u8,
    count: usize,
    columns: usize,
    low: [*]const u8,
    high: [*]const u8,
) bool {
    const known = std.enums.fromInt(plans.Datatype, datatype) orelse return false;
    if (columns == 0 or count % columns != 0) return false;
    switch (known) {
        inline else => |one| {
            const T = one.Held();
            const table: [*]align(1) const T = @ptrCast(values);
            const least: [*]align(1) const T = @ptrCast(low);
            const most: [*]align(1) const T = @ptrCast(high);
            return bounds.within(T, table[0..count], least[0..columns], most[0..columns]);
        },
    }
}

test {
    _ = @import("binary.zig");
    _ = bounds;
    _ = @import("digits.zig");
    _ = @import("form.zig");
    _ = @import("numbers.zig");
    _ = @import("reader.zig");
    _ = plans;
    _ = request;
    _ = writer;
}
