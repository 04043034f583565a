//! Clients whose requests are known to be plain: what they send is received here, and what they are
//! answered is sent from here. Whoever sends anything else is sent back with it.
//!
//! A turnstile keeps the bytes of a turn's requests until the next turn, and serves one thread.

const std = @import("std");
const heads = @import("head.zig");
const landings = @import("landing.zig");
const plans = @import("plan.zig");
const replies = @import("reply.zig");
const request = @import("request.zig");
const stashes = @import("stash.zig");
const tokens = @import("token.zig");
const writer = @import("writer.zig");

const linux = std.os.linux;

/// Requests that are taken in a turn.
const most = 64;

/// Outlines that are known at a time.
const most_known = 256;

/// Bytes that are received at once: no request that is answered here is longer.
const chunk = stashes.longest;

/// Bytes of the requests of a turn.
const room = 1 << 20;

/// What the outline of a head stands for.
const Known = struct {
    outline: [heads.longest]u8,
    length: usize,
    /// Where tensors in bytes begin in the body; 0 for JSON alone.
    header: usize,
    reply: replies.Kind,
};

/// A request that was taken; its bytes are kept at `at`, but for those behind the first `split`,
/// which lie in the tensor. Python reads it.
const Taken = extern struct {
    fd: u32,
    at: u32,
    length: u32,
    split: u32,
    known: u32,
    first: u32,
    rows: u32,
    form: u32,
    id_length: u32,
    /// 1 where it is part of a trace.
    traced: u32,
    id: [heads.id_length]u8,
    trace: [32]u8,
    flags: [4]u8,
};

/// A client that is sent back, and what it sent. Python reads it.
const Returned = extern struct { fd: u32, at: u32, length: u32 };

pub const Seen = landings.Seen;

/// Requests that follow each other up to the number `end`: their first row, their rows, and the
/// number of their kind, or `mixed` where they are of several. Python reads it.
const Part = extern struct { end: u32, first: u32, rows: u32, known: u32 };

const mixed = std.math.maxInt(u32);

/// Why an answer was not sent: the client has not taken all of it, or Python must send it, or write
/// it. Python reads it.
const Stop = enum(u32) { none, short, packed_up, unwritten };

/// The answer that was not sent: its head, its body where answers are written, its JSON's length
/// where tensors follow it, and how many bytes of head and body were sent. Python reads it.
const Stopped = extern struct { stop: Stop, head: u32, body: u32, json: u32, sent: u32 };

pub const Turnstile = struct {
    plan: *plans.Plan,
    epoll: i32,
    /// What is remembered of each client, by its file.
    seen: []Seen,
    taken: [most]Taken,
    returned: [most]Returned,
    part: Part,
    stopped: Stopped,
    reply: [replies.longest]u8,
    known: [most_known]Known,
    hashes: [most_known]u64,
    known_count: usize,
    /// Clients who had their turn while others had to wait for theirs.
    served: usize,
    stock: tokens.Stock,
    stash: stashes.Stash,
    arena: [room]u8,

    /// Lays one out where its memory is; `seen` has a place for each file that a client may be.
    pub fn begin(self: *Turnstile, plan: *plans.Plan, epoll: i32, seen: []Seen) void {
        self.plan = plan;
        self.epoll = epoll;
        self.seen = seen;
        self.known_count = 0;
        self.served = 0;
        self.stock = .{};
        self.stash.clear();
    }

    /// Learns what a head stands for; its number, or null where it cannot be known by its outline.
    pub fn learn(self: *Turnstile, head: []const u8, header: usize, reply: replies.Kind) ?usize {
        var text: [heads.longest]u8 = undefined;
        const found = heads.read(head, &text) catch return null;
        if (found.length == null or found.end != head.len) return null;
        const hash = hashed(found.outline);
        if (self.search(hash, found.outline)) |number| return number;
        if (self.known_count == most_known) self.known_count = 0;
        const number = self.known_count;
        const known = &self.known[number];
        self.hashes[number] = hash;
        @memcpy(known.outline[0..found.outline.len], found.outline);
        known.length = found.outline.len;
        known.header = header;
        known.reply = reply;
        self.known_count += 1;
        return number;
    }

    /// What a client began and has not ended, which is kept no longer.
    pub fn forget(self: *Turnstile, fd: u32) []const u8 {
        const place = self.stash.find(fd) orelse return &.{};
        self.stash.drop(place);
        return self.stash.at(place);
    }

    /// Remembers how a request was divided, where its bytes are those of the only tensor.
    fn remember(self: *Turnstile, one: *const Taken) void {
        const seen = &self.seen[one.fd];
        seen.bytes = 0;
        if (self.known[one.known].header == 0 or self.plan.inputs.len > 1) return;
        seen.bytes = @intCast(one.rows * self.plan.inputs[0].row());
        seen.split = one.length - seen.bytes;
    }

    fn search(self: *const Turnstile, hash: u64, outline: []const u8) ?usize {
        for (self.hashes[0..self.known_count], 0..) |other, number| {
            if (other != hash) continue;
            const known = &self.known[number];
            if (std.mem.eql(u8, known.outline[0..known.length], outline)) return number;
        }
        return null;
    }
};

/// Heads are told apart by their bytes; their hashes only make it quick.
inline fn hashed(outline: []const u8) u64 {
    return std.hash.Wyhash.hash(0, outline);
}

/// What came in a turn: requests taken and clients returned. It is the turn of the moment `now`, in
/// which a request has at most `rows` rows and `largest` bytes; `at` and `first` are where the next
/// one's bytes and rows begin.
pub const Turn = struct {
    now: f64,
    rows: usize,
    largest: usize,
    taken: usize = 0,
    returned: usize = 0,
    at: usize = 0,
    first: usize = 0,
};

/// Receives what clients have sent. A request has at most `rows` rows and `largest` bytes.
pub fn take(self: *Turnstile, rows: usize, largest: usize, now: f64) Turn {
    var turn = Turn{ .now = now, .rows = rows, .largest = largest };
    // while some are received others come, and it costs less to answer them now than by themselves
    while (round(self, &turn)) {}
    return turn;
}

/// Receives what those clients have sent who were not received from in this turn. Whether some were
/// taken, and there is room for others.
fn round(self: *Turnstile, turn: *Turn) bool {
    const before = turn.taken;
    const left: u32 = @intCast(most - before - turn.returned);
    if (left == 0) return false;
    var events: [most]linux.epoll_event = undefined;
    const ready = linux.epoll_wait(self.epoll, &events, left, 0);
    if (linux.errno(ready) != .SUCCESS) return false;
    // the kernel tells of those first again who ask again at once
    if (ready > 0) std.mem.rotate(linux.epoll_event, events[0..ready], self.served % ready);
    for (events[0..ready], 0..) |event, number| {
        if (turn.at + chunk > room or 2 * turn.first > self.plan.room) {
            self.served += number;
            return false;
        }
        const fd: u32 = @intCast(event.data.fd);
        if (self.seen[fd].since == turn.now) continue;
        receive(self, turn, fd);
    }
    self.served = 0;
    return turn.taken > before;
}

/// Receives what a client has sent.
fn receive(self: *Turnstile, turn: *Turn, fd: u32) void {
    const came = received(self, turn, fd) orelse return;
    self.seen[fd].since = turn.now;
    const one = &self.taken[turn.taken];
    const length: u32 = @intCast(came.length);
    const at: u32 = @intCast(turn.at);
    if (read(self, turn, one, came)) |found| {
        one.fd = fd;
        one.at = at;
        one.length = length;
        self.remember(one);
        turn.first += found;
        turn.taken += 1;
    } else |fault| {
        const bytes = came.landing.memory[0..came.length];
        if (fault == error.Unended and came.more and self.stash.keep(fd, bytes)) return;
        self.returned[turn.returned] = .{ .fd = fd, .at = at, .length = length };
        turn.returned += 1;
    }
    turn.at = std.mem.alignForward(usize, turn.at + came.length, 64);
}

/// What a client has sent, and whether it may send more.
const Came = struct { landing: landings.Landing, length: usize, more: bool };

/// Receives behind what a client began before; null where nothing has come after all.
fn received(self: *Turnstile, turn: *const Turn, fd: u32) ?Came {
    const memory = self.arena[turn.at..][0..chunk];
    const begun = self.forget(fd);
    @memcpy(memory[0..begun.len], begun);
    const tensor: []u8 = if (begun.len == 0) self.plan.inputs[0].rows(turn.first) else &.{};
    const landing = self.seen[fd].landing(memory, tensor);
    const found = landing.receive(fd, begun.len);
    const length, const more = switch (linux.errno(found)) {
        .SUCCESS => .{ begun.len + found, found > 0 },
        .AGAIN, .INTR => again: {
            if (begun.len == 0 or self.stash.keep(fd, begun)) return null;
            break :again .{ begun.len, true };
        },
        else => .{ begun.len, false },
    };
    return .{ .landing = landing, .length = length, .more = more };
}

/// Reads a request; its rows. Where that is not plain all of it lies in one piece.
fn read(self: *Turnstile, turn: *const Turn, one: *Taken, came: Came) heads.Error!usize {
    const landing = came.landing;
    if (landing.fits(came.length)) {
        if (understood(self, turn, one, landing.memory[0..landing.at], landing.apart)) |rows| {
            one.split = @intCast(landing.at);
            return rows;
        } else |_| {}
    }
    one.split = @intCast(came.length);
    return understood(self, turn, one, landing.whole(came.length), null);
}

/// Understands a request, whose last bytes may lie `apart`; its rows.
fn understood(
    self: *Turnstile,
    turn: *const Turn,
    one: *Taken,
    bytes: []const u8,
    apart: ?[]const u8,
) heads.Error!usize {
    var text: [heads.longest]u8 = undefined;
    const head = try heads.read(bytes, &text);
    const number = self.search(hashed(head.outline), head.outline) orelse return error.NotPlain;
    const body = bytes[head.end..];
    const length = head.length orelse return error.NotPlain;
    const came = body.len + if (apart) |rest| rest.len else 0;
    if (came > length or length > @min(turn.largest, chunk)) return error.NotPlain;
    if (came < length) return error.Unended;
    const json = self.known[number].header;
    if (json > body.len or (apart != null and json != body.len)) return error.NotPlain;
    const found = if (json == 0)
        try request.read(self.plan, turn.first, body, null)
    else
        try request.read(self.plan, turn.first, body[0..json], apart orelse body[json..]);
    if (found.rows > turn.rows) return error.NotPlain;
    const id = if (found.id) |size| self.plan.id[0..size] else head.id;
    if (found.id != null and id.len == 0) return error.NotPlain;
    if (id.len > 0) {
        @memcpy(one.id[0..id.len], id);
        one.id_length = @intCast(id.len);
    } else one.id_length = try self.stock.next(&one.id);
    one.traced = @intFromBool(head.trace != null);
    if (head.trace) |trace| {
        one.trace = trace.id.*;
        one.flags[0..2].* = trace.flags.*;
    }
    one.known = @intCast(number);
    one.first = @intCast(turn.first);
    one.rows = @intCast(found.rows);
    one.form = found.form;
    return found.rows;
}

/// Puts the bytes of a request that was taken together where they are kept.
pub fn keep(self: *Turnstile, number: usize) void {
    const one = &self.taken[number];
    const apart = one.length - one.split;
    const tensor = self.plan.inputs[0].rows(one.first);
    @memcpy(self.arena[one.at + one.split ..][0..apart], tensor[0..apart]);
}

/// Finds the requests taken from number `begin` on, up to `end` at most, that have no more than
/// `rows` rows together, and one at least.
pub fn gather(self: *Turnstile, begin: usize, end: usize, rows: usize) void {
    const one = &self.taken[begin];
    var part = Part{
        .end = @intCast(begin + 1),
        .first = one.first,
        .rows = one.rows,
        .known = one.known,
    };
    for (self.taken[begin + 1 .. end]) |*next| {
        if (part.rows + next.rows > rows) break;
        part.end += 1;
        part.rows += next.rows;
        if (next.known != part.known) part.known = mixed;
    }
    self.part = part;
}

/// The outputs of a call of the model, of so many rows from row `first` of the inputs on.
pub const Outputs = struct { first: usize, rows: usize, tensors: writer.Tensors };

/// Sends the answers to requests from the number `begin` up to `end`, or up to one that could not
/// be sent, whose number it gives.
pub fn tell(self: *Turnstile, begin: usize, end: usize, outputs: Outputs, date: []const u8) usize {
    for (self.taken[begin..end], begin..) |*one, number| {
        self.stopped = .{ .stop = .none, .head = 0, .body = 0, .json = 0, .sent = 0 };
        answer(self, one, outputs, date);
        if (self.stopped.stop != .none) return number;
    }
    return end;
}

fn answer(self: *Turnstile, one: *const Taken, outputs: Outputs, date: []const u8) void {
    const stopped = &self.stopped;
    const part = writer.Part{
        .all = outputs.rows,
        .first = one.first - outputs.first,
        .rows = one.rows,
    };
    const id = one.id[0..one.id_length];
    const written = writer.write(self.plan, part, one.form, id, outputs.tensors) catch {
        stopped.stop = .unwritten;
        return;
    };
    stopped.body = @intCast(written.length);
    stopped.json = @intCast(written.json);
    const kind = &self.known[one.known].reply;
    if (kind.packs(written.length)) {
        stopped.stop = .packed_up;
        return;
    }
    var span: [tokens.length]u8 = undefined;
    var trace: ?replies.Trace = null;
    if (one.traced == 1) {
        _ = self.stock.next(&span) catch {
            stopped.stop = .unwritten;
            return;
        };
        trace = .{ .id = &one.trace, .span = span[0..16], .flags = one.flags[0..2] };
    }
    const head = kind.write(&self.reply, written, .{ .id = id, .trace = trace, .date = date });
    stopped.head = @intCast(head.len);
    const body = self.plan.out[0..written.length];
    const sent = linux.sendmsg(@intCast(one.fd), &.{
        .name = null,
        .namelen = 0,
        .iov = &.{
            .{ .base = head.ptr, .len = head.len },
            .{ .base = body.ptr, .len = body.len },
        },
        .iovlen = 2,
        .control = null,
        .controllen = 0,
        .flags = 0,
    }, linux.MSG.DONTWAIT | linux.MSG.NOSIGNAL);
    switch (linux.errno(sent)) {
        .SUCCESS => {
            stopped.sent = @intCast(sent);
            if (sent < head.len + body.len) stopped.stop = .short;
        },
        // whoever is to send the rest of it meets the same fault, and deals with it
        else => stopped.stop = .short,
    }
}
