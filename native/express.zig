//! The plainest requests, read and answered by compiled code.
//!
//! Each function says yes only to what is wholly plain and good; whatever else comes is left to
//! the server's ordinary road. Nothing is allocated, and memory is the caller's. Only a turnstile
//! makes system calls, none of which wait, and keeps what came until the next turn. A plan serves
//! one call at a time, and so does a turnstile.

const builtin = @import("builtin");
const std = @import("std");
const bounds = @import("bounds.zig");
const levels = @import("level.zig");
const plans = @import("plan.zig");
const replies = @import("reply.zig");
const request = @import("request.zig");
const turnstiles = @import("turnstile.zig");
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
    return 8;
}

/// How many of the libraries for higher levels of this kind of processor could run here: the first
/// so many, in the order of their levels.
export fn express_level() u32 {
    return levels.level();
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
    if (header > length) return 0;
    const json = body[0..if (header == 0) length else header];
    const bytes = if (header == 0) null else body[header..length];
    const found = request.read(handle.*, first, json, bytes) catch return 0;
    const id: u64 = if (found.id) |size| size + 1 else 0;
    return @as(u64, found.form) << 32 | id << 24 | @as(u24, @intCast(found.rows));
}

/// Writes the answer of `rows` rows from `first` on, of a call of `all` rows whose outputs lie at
/// the places that `tensors` tells, in the form that `express_read` gave.
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
    tensors: writer.Tensors,
) u64 {
    const part = writer.Part{ .all = all, .first = first, .rows = rows };
    const found = writer.write(handle.*, part, form, id[0..id_length], tensors) catch return 0;
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

/// Bytes of memory of a turnstile.
export fn turnstile_size() usize {
    return @sizeOf(turnstiles.Turnstile);
}

/// Lays a turnstile out in `memory`, for clients of a plan whose files `epoll` watches; `seen` has
/// `files` places, one for each file.
export fn turnstile_begin(
    memory: *align(64) turnstiles.Turnstile,
    plan: *plans.Plan,
    epoll: i32,
    seen: [*]turnstiles.Seen,
    files: usize,
) void {
    memory.begin(plan, epoll, seen[0..files]);
}

/// Learns what a head stands for; its number, or -1 where it cannot be known again.
///
/// Tensors in bytes begin at `header` in its bodies, 0 for JSON alone; heads of answers begin with
/// `json`, or `binary` where tensors follow JSON; answers of more than `small` bytes are sent as
/// `packing` says.
export fn turnstile_learn(
    self: *turnstiles.Turnstile,
    head: [*]const u8,
    length: usize,
    header: usize,
    json: [*]const u8,
    json_length: usize,
    binary: [*]const u8,
    binary_length: usize,
    packing: u32,
    small: usize,
) i32 {
    const kind = replies.Kind{
        .json = replies.Begun.of(json[0..json_length]) orelse return -1,
        .binary = replies.Begun.of(binary[0..binary_length]) orelse return -1,
        .packing = std.enums.fromInt(replies.Packing, packing) orelse return -1,
        .small = small,
    };
    const number = self.learn(head[0..length], header, kind) orelse return -1;
    return @intCast(number);
}

/// Receives what clients have sent, requests of at most `rows` rows and `largest` bytes. In the
/// lowest 16 bits how many were taken, above them how many clients are returned.
export fn turnstile_take(
    self: *turnstiles.Turnstile,
    rows: usize,
    largest: usize,
    now: f64,
) u64 {
    const turn = turnstiles.take(self, rows, largest, now);
    return turn.returned << 16 | turn.taken;
}

/// Finds the requests from number `begin` on, up to `end` at most, that have no more than `rows`
/// rows together, and one at least.
export fn turnstile_gather(self: *turnstiles.Turnstile, begin: u32, end: u32, rows: usize) void {
    turnstiles.gather(self, begin, end, rows);
}

/// Puts the bytes of a request that was taken together where they are kept.
export fn turnstile_keep(self: *turnstiles.Turnstile, number: u32) void {
    turnstiles.keep(self, number);
}

/// Sends the answers to the requests from number `begin` up to `end`, from the outputs of a call of
/// `rows` rows, the first of which is row `first` of the inputs; `tensors` tells where they lie.
/// Gives `end`, or the number of a request whose answer was not sent.
export fn turnstile_tell(
    self: *turnstiles.Turnstile,
    begin: usize,
    end: usize,
    first: usize,
    rows: usize,
    tensors: writer.Tensors,
    date: [*]const u8,
    date_length: usize,
) usize {
    const outputs = turnstiles.Outputs{ .first = first, .rows = rows, .tensors = tensors };
    return turnstiles.tell(self, begin, end, outputs, date[0..date_length]);
}

/// Tells in the low 32 bits how many bytes a client began that have not ended, and where they lie
/// in the room for them above that; they are kept no longer.
export fn turnstile_forget(self: *turnstiles.Turnstile, fd: u32) u64 {
    const begun = self.forget(fd);
    if (begun.len == 0) return 0;
    const place = @intFromPtr(begun.ptr) - @intFromPtr(&self.stash.bytes);
    return @as(u64, place) << 32 | begun.len;
}

/// Whether a client has begun what it has not ended.
export fn turnstile_stuck(self: *turnstiles.Turnstile, fd: u32) bool {
    return self.stash.find(fd) != null;
}

/// Where something lies, and how many bytes it has.
const Span = extern struct {
    place: usize,
    length: usize,

    fn of(item: anytype) Span {
        return .{ .place = @intFromPtr(item), .length = @sizeOf(@TypeOf(item.*)) };
    }
};

/// Tells where those parts of a turnstile lie that Python reads: requests that were taken, clients
/// that are returned, what was gathered, why an answer was not sent, the head of the last answer,
/// the bytes that were received, and those that clients began.
export fn turnstile_spans(self: *turnstiles.Turnstile, spans: *[7]Span) void {
    spans.* = .{
        .of(&self.taken),
        .of(&self.returned),
        .of(&self.part),
        .of(&self.stopped),
        .of(&self.reply),
        .of(&self.arena),
        .of(&self.stash.bytes),
    };
}

test {
    _ = @import("binary.zig");
    _ = @import("block.zig");
    _ = bounds;
    _ = @import("decimal.zig");
    _ = @import("digits.zig");
    _ = @import("form.zig");
    _ = @import("head.zig");
    _ = @import("landing.zig");
    _ = levels;
    _ = @import("numbers.zig");
    _ = @import("reader.zig");
    _ = plans;
    _ = replies;
    _ = request;
    _ = @import("row.zig");
    _ = @import("stash.zig");
    _ = @import("token.zig");
    _ = turnstiles;
    _ = writer;
}
