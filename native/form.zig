//! How an answer is wanted: which outputs, and each as JSON or as bytes.

const std = @import("std");
const Reader = @import("reader.zig");
const plans = @import("plan.zig");

const Error = Reader.Error;

/// A form in 32 bits, so that it can be kept until the answer is written: all outputs as JSON, or
/// as bytes, or chosen ones of 5 bits each, the first in the lowest.
pub const Code = u32;

pub const all_json: Code = 0;
pub const all_binary: Code = 1 << 31;

const bits = 5;
const most = 6;

/// An output that is wanted.
pub const Wanted = struct { number: usize, binary: bool };

/// What a request says of its answer, while it is read.
pub const Form = struct {
    chosen: [most]Choice = undefined,
    count: usize = 0,
    binary: bool = false,

    const Choice = struct { number: usize, binary: ?bool };

    /// Reads the list of chosen outputs, each once.
    pub fn outputs(self: *Form, plan: *const plans.Plan, reader: *Reader) Error!void {
        try reader.take('[');
        while (true) {
            if (self.count == most) return error.NotPlain;
            const choice = try chosenOne(plan, reader);
            for (self.chosen[0..self.count]) |other| {
                if (other.number == choice.number) return error.NotPlain;
            }
            self.chosen[self.count] = choice;
            self.count += 1;
            if (!try reader.more(']')) return;
        }
    }

    /// Reads the parameters of a request, of which one is known here.
    pub fn parameters(self: *Form, reader: *Reader) Error!void {
        self.binary = try onlyFlag(reader, "binary_data_output");
    }

    pub fn code(self: *const Form) Code {
        var found: Code = if (self.count == 0 and self.binary) all_binary else all_json;
        for (self.chosen[0..self.count], 0..) |choice, place| {
            const binary = choice.binary orelse self.binary;
            const item = 1 + 2 * choice.number + @intFromBool(binary);
            found |= @as(Code, @intCast(item)) << @intCast(place * bits);
        }
        return found;
    }
};

fn chosenOne(plan: *const plans.Plan, reader: *Reader) Error!Form.Choice {
    var number: ?usize = null;
    var binary: ?bool = null;
    try reader.take('{');
    while (true) {
        const called = try reader.name();
        if (std.mem.eql(u8, called, "name") and number == null) {
            number = try numbered(plan, try reader.string());
        } else if (std.mem.eql(u8, called, "parameters") and binary == null) {
            binary = try onlyFlag(reader, "binary_data");
        } else return error.NotPlain;
        if (!try reader.more('}')) break;
    }
    return .{ .number = number orelse return error.NotPlain, .binary = binary };
}

fn numbered(plan: *const plans.Plan, name: []const u8) Error!usize {
    for (plan.outputs, 0..) |output, number| {
        if (1 + 2 * number + 1 >= 1 << bits) break;
        if (std.mem.eql(u8, output.name, name)) return number;
    }
    return error.NotPlain;
}

/// The one member of an object that is true or false.
fn onlyFlag(reader: *Reader, name: []const u8) Error!bool {
    try reader.take('{');
    if (!std.mem.eql(u8, try reader.name(), name)) return error.NotPlain;
    const found = try reader.truth();
    try reader.take('}');
    return found;
}

/// The outputs that a form wants, one after the other.
pub const Walk = struct {
    rest: Code,
    place: usize = 0,
    count: usize,

    pub fn of(code: Code, count: usize) Walk {
        return .{ .rest = code, .count = count };
    }

    pub fn next(self: *Walk) ?Wanted {
        if (self.rest == all_json or self.rest == all_binary) {
            // behind the last of those that were chosen nothing is left either
            if (self.place >= self.count) return null;
            self.place += 1;
            return .{ .number = self.place - 1, .binary = self.rest == all_binary };
        }
        const item = self.rest & ((1 << bits) - 1);
        self.rest >>= bits;
        if (self.rest == 0) self.place = self.count;
        if (item == 0) return null;
        return .{ .number = (item - 1) / 2, .binary = (item - 1) % 2 == 1 };
    }
};

test "a form is kept and taken apart again" {
    var form = Form{};
    form.chosen[0] = .{ .number = 2, .binary = null };
    form.chosen[1] = .{ .number = 0, .binary = true };
    form.count = 2;
    var walk = Walk.of(form.code(), 3);
    try std.testing.expectEqual(Wanted{ .number = 2, .binary = false }, walk.next().?);
    try std.testing.expectEqual(Wanted{ .number = 0, .binary = true }, walk.next().?);
    try std.testing.expectEqual(null, walk.next());
    var all = Walk.of((Form{ .binary = true }).code(), 2);
    try std.testing.expectEqual(Wanted{ .number = 0, .binary = true }, all.next().?);
    try std.testing.expectEqual(Wanted{ .number = 1, .binary = true }, all.next().?);
    try std.testing.expectEqual(null, all.next());
}
