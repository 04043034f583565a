//! The answer to an `infer` call, JSON and perhaps bytes behind it, written into memory that is
//! large enough for any.

const std = @import("std");
const binary = @import("binary.zig");
const forms = @import("form.zig");
const numerals = @import("numeral.zig");
const plans = @import("plan.zig");

const Plan = plans.Plan;

/// What cannot be written: a number that is not finite, more rows than there are.
pub const Error = error{NotPlain};

pub const Writer = struct {
    out: []u8,
    at: usize = 0,

    pub fn text(self: *Writer, piece: []const u8) void {
        @memcpy(self.out[self.at..][0..piece.len], piece);
        self.at += piece.len;
    }

    /// A whole number.
    pub fn number(self: *Writer, value: u64) void {
        self.at += numerals.decimal(self.out[self.at..], value);
    }

    inline fn byte(self: *Writer, one: u8) void {
        self.out[self.at] = one;
        self.at += 1;
    }

    inline fn place(self: *Writer) *numerals.Place {
        return self.out[self.at..][0..numerals.longest];
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
        writer.at += numerals.decimal(writer.place(), part.rows);
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
    writer.at += numerals.decimal(writer.place(), size);
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
                    .FP32, .FP64 => writer.at += numerals.float(writer.place(), value),
                    else => writer.at += numerals.integer(writer.place(), value),
                }
            }
        },
    }
    writer.text("]}");
}
