//! The answer to an `infer` call, JSON and perhaps bytes behind it, written into memory that is
//! large enough for any.
//!
//! Floats are plain from 1e-5 up to 1e16, and with an exponent beyond.

const std = @import("std");
const binary = @import("binary.zig");
const digits = @import("digits.zig");
const forms = @import("form.zig");
const plans = @import("plan.zig");

const Plan = plans.Plan;

/// What cannot be written: a number that is not finite, more rows than there are.
pub const Error = error{NotPlain};

/// The bytes that one value may take.
const Place = [plans.value_length]u8;

pub const Writer = struct {
    out: []u8,
    at: usize = 0,

    pub fn text(self: *Writer, piece: []const u8) void {
        @memcpy(self.out[self.at..][0..piece.len], piece);
        self.at += piece.len;
    }

    /// A whole number.
    pub fn number(self: *Writer, value: u64) void {
        self.at += decimal(self.out[self.at..], value);
    }

    inline fn byte(self: *Writer, one: u8) void {
        self.out[self.at] = one;
        self.at += 1;
    }

    inline fn place(self: *Writer) *Place {
        return self.out[self.at..][0..plans.value_length];
    }
};

/// The rows of one request among all that the model was asked for in a call.
pub const Part = struct { all: usize, first: usize, rows: usize };

/// An answer that was written: its bytes, and those of its JSON where tensors follow it, else 0.
pub const Answer = struct { length: usize, json: usize };

/// Where each output of a call lies, with the rows that it was asked for.
pub const Tensors = [*]const [*]const u8;

/// Writes the answer to a part, in a form.
pub fn write(
    plan: *Plan,
    part: Part,
    form: forms.Code,
    id: []const u8,
    tensors: Tensors,
) Error!Answer {
    if (part.rows == 0 or part.rows > plan.rows or id.len > plans.id_length) return error.NotPlain;
    if (part.all > plan.room or part.first + part.rows > part.all) return error.NotPlain;
    try sound(plan, part, tensors);
    var writer = Writer{ .out = plan.out };
    writer.text(plan.head);
    for (id) |byte| {
        if (byte < ' ' or byte >= 0x7f or byte == '"' or byte == '\\') return error.NotPlain;
    }
    writer.text(id);
    writer.text(plan.middle);
    var walk = forms.Walk.of(form, plan.outputs.len);
    var number: usize = 0;
    while (walk.next()) |wanted| : (number += 1) {
        if (number > 0) writer.byte(',');
        const output = &plan.outputs[wanted.number];
        writer.text(output.before);
        writer.at += decimal(writer.place(), part.rows);
        writer.text(output.behind);
        const bytes = portion(plan, part, wanted.number, tensors);
        if (wanted.binary) sized(&writer, bytes.len) else listed(&writer, output.datatype, bytes);
    }
    writer.text(plan.tail);
    return appended(&writer, plan, part, form, tensors);
}

/// Puts the tensors that are wanted as bytes behind the JSON.
fn appended(
    writer: *Writer,
    plan: *const Plan,
    part: Part,
    form: forms.Code,
    tensors: Tensors,
) Answer {
    const json = writer.at;
    var some = false;
    var walk = forms.Walk.of(form, plan.outputs.len);
    while (walk.next()) |wanted| {
        if (!wanted.binary) continue;
        some = true;
        writer.text(portion(plan, part, wanted.number, tensors));
    }
    return .{ .length = writer.at, .json = if (some) json else 0 };
}

/// Checks that the part's numbers are finite, whether they are wanted or not: what is not is told
/// of elsewhere.
fn sound(plan: *const Plan, part: Part, tensors: Tensors) Error!void {
    for (plan.outputs, 0..) |output, number| {
        const bytes = portion(plan, part, number, tensors);
        if (!binary.finite(output.datatype, bytes)) return error.NotPlain;
    }
}

/// The bytes of an output that belong to a part.
fn portion(plan: *const Plan, part: Part, number: usize, tensors: Tensors) []const u8 {
    const row = plan.outputs[number].row();
    return tensors[number][part.first * row ..][0 .. part.rows * row];
}

/// The member of an output whose bytes follow the JSON.
fn sized(writer: *Writer, size: usize) void {
    writer.text(",\"parameters\":{\"binary_data_size\":");
    writer.at += decimal(writer.place(), size);
    writer.text("}}");
}

/// The member of an output that is written here.
fn listed(writer: *Writer, datatype: plans.Datatype, bytes: []const u8) void {
    writer.text(",\"data\":[");
    switch (datatype) {
        inline else => |known| {
            for (std.mem.bytesAsSlice(known.Held(), bytes), 0..) |value, number| {
                if (number > 0) writer.byte(',');
                switch (known) {
                    .BOOL => writer.text(if (value != 0) "true" else "false"),
                    .FP32, .FP64 => writer.at += float(writer.place(), value),
                    else => writer.at += integer(writer.place(), value),
                }
            }
        },
    }
    writer.text("]}");
}

fn integer(out: *Place, value: anytype) usize {
    if (value >= 0) return decimal(out, @intCast(value));
    out[0] = '-';
    return 1 + decimal(out[1..], @abs(value));
}

/// Digits of the longest whole number.
const most_digits = 20;

fn decimal(out: []u8, value: u64) usize {
    if (value < 10) {
        out[0] = '0' + @as(u8, @intCast(value));
        return 1;
    }
    var text: [most_digits]u8 = undefined;
    var at: usize = most_digits;
    var rest = value;
    while (rest >= 10) {
        at -= 2;
        text[at..][0..2].* = std.fmt.digits2(@intCast(rest % 100));
        rest /= 100;
    }
    if (rest > 0) {
        at -= 1;
        text[at] = '0' + @as(u8, @intCast(rest));
    }
    const found = text[at..];
    @memcpy(out[0..found.len], found);
    return found.len;
}

/// Whole numbers below this are doubles with each of their digits.
const whole: f64 = 1 << 53;

inline fn float(out: *Place, value: f64) usize {
    out[0] = '-';
    const begin: usize = @intFromBool(std.math.signbit(value));
    const size = @abs(value);
    if (size < whole and @trunc(size) == size) {
        const length = begin + decimal(out[begin..], @intFromFloat(size));
        out[length..][0..2].* = ".0".*;
        return length + 2;
    }
    const found = digits.spelled(digits.shortest(size));
    return begin + placed(out[begin..], found);
}

/// Digits and the place of their point, as they are written.
inline fn placed(out: []u8, found: digits.Spelled) usize {
    if (found.point > 16 or found.point <= -5) return scientific(out, found);
    if (found.point <= 0) return fraction(out, found, @intCast(-found.point));
    const point: usize = @intCast(found.point);
    return if (found.count <= point) padded(out, found, point) else pointed(out, found, point);
}

/// 12e3 as 12000.0
fn padded(out: []u8, found: digits.Spelled, point: usize) usize {
    found.put(out[0..digits.longest]);
    out[point..][0..2].* = ".0".*;
    return point + 2;
}

/// 123e-2 as 1.23
inline fn pointed(out: []u8, found: digits.Spelled, point: usize) usize {
    out[0] = found.first;
    found.putRest(out[2..][0 .. digits.longest - 1]);
    for (1..point) |place| out[place] = out[place + 1];
    out[point] = '.';
    return found.count + 1;
}

/// 12e-4 as 0.0012
inline fn fraction(out: []u8, found: digits.Spelled, zeros: usize) usize {
    out[0..6].* = "0.0000".*;
    found.put(out[2 + zeros ..][0..digits.longest]);
    return 2 + zeros + found.count;
}

/// 123 and a power as 1.23e-7
fn scientific(out: []u8, found: digits.Spelled) usize {
    out[0..2].* = .{ found.first, '.' };
    found.putRest(out[2..][0 .. digits.longest - 1]);
    var at = if (found.count > 1) found.count + 1 else 1;
    const power = found.point - 1;
    out[at] = 'e';
    at += 1;
    if (power < 0) {
        out[at] = '-';
        at += 1;
    }
    return at + decimal(out[at..], @abs(power));
}

fn expectFloat(value: f64, text: []const u8) !void {
    var out: Place = undefined;
    try std.testing.expectEqualStrings(text, out[0..float(&out, value)]);
}

test "floats are written in the shortest digits" {
    try expectFloat(0.0, "0.0");
    try expectFloat(-0.0, "-0.0");
    try expectFloat(13.0, "13.0");
    try expectFloat(-0.1, "-0.1");
    try expectFloat(@as(f32, 0.1), "0.10000000149011612");
    try expectFloat(1e15, "1000000000000000.0");
    try expectFloat(1e16, "1e16");
    try expectFloat(123456789012345680.0, "1.2345678901234568e17");
    try expectFloat(0.00001, "0.00001");
    try expectFloat(0.000015, "0.000015");
    try expectFloat(0.000001, "1e-6");
    try expectFloat(-2.2250738585072014e-308, "-2.2250738585072014e-308");
    try expectFloat(5e-324, "5e-324");
    try expectFloat(1.7976931348623157e308, "1.7976931348623157e308");
    try expectFloat(9007199254740993.0, "9007199254740992.0");
}

test "whole numbers are written whole" {
    var out: Place = undefined;
    const low: i64 = std.math.minInt(i64);
    try std.testing.expectEqualStrings("-9223372036854775808", out[0..integer(&out, low)]);
    const high: u64 = std.math.maxInt(u64);
    try std.testing.expectEqualStrings("18446744073709551615", out[0..integer(&out, high)]);
    try std.testing.expectEqualStrings("100", out[0..integer(&out, @as(u8, 100))]);
}
