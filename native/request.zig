//! The request of an `infer` call, JSON and perhaps bytes behind it: its tensors are filled in one
//! pass, or it is not plain.

const std = @import("std");
const Reader = @import("reader.zig");
const binary = @import("binary.zig");
const forms = @import("form.zig");
const plans = @import("plan.zig");
const values = @import("values.zig");

const Error = Reader.Error;
const Plan = plans.Plan;
const Input = plans.Input;

/// Inputs that a model may have here: one bit each tells which have come.
const most_inputs = 64;

/// A request that was read: its rows, the bytes of its id if it has one, how its answer is wanted.
pub const Request = struct { rows: usize, id: ?usize, form: forms.Code };

/// What a request is read from: JSON, and the bytes of tensors that no input has taken yet; null
/// where there are none to be taken.
const Source = struct { json: Reader, bytes: ?[]const u8 };

/// Fills the tensors of the plan, from the row `first` on, from JSON and the bytes that follow it,
/// if some do. They may lie where the first of the tensors is to have them.
pub fn read(plan: *Plan, first: usize, json: []const u8, bytes: ?[]const u8) Error!Request {
    if (first > plan.room or plan.inputs.len > most_inputs) return error.NotPlain;
    plan.first = first;
    var source = Source{ .json = .{ .text = json }, .bytes = bytes };
    const found = try members(plan, &source);
    try source.json.done();
    if (source.bytes) |rest| {
        if (rest.len > 0) return error.NotPlain;
    }
    return found;
}

fn members(plan: *Plan, source: *Source) Error!Request {
    const reader = &source.json;
    var rows: ?usize = null;
    var id: ?usize = null;
    var form = forms.Form{};
    var told = false;
    try reader.take('{');
    while (true) {
        const called = try reader.name();
        if (std.mem.eql(u8, called, "inputs") and rows == null) {
            rows = try inputs(plan, source);
        } else if (std.mem.eql(u8, called, "id") and id == null) {
            id = try identity(plan, reader);
        } else if (std.mem.eql(u8, called, "outputs") and form.count == 0) {
            try form.outputs(plan, reader);
        } else if (std.mem.eql(u8, called, "parameters") and !told) {
            told = true;
            try form.parameters(reader);
        } else return error.NotPlain;
        if (!try reader.more('}')) break;
    }
    return .{ .rows = rows orelse return error.NotPlain, .id = id, .form = form.code() };
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
fn inputs(plan: *Plan, source: *Source) Error!usize {
    const reader = &source.json;
    var seen: u64 = 0;
    var rows: usize = 0;
    try reader.take('[');
    while (true) {
        const tensor = try one(plan, source);
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
    bytes: ?usize = null,
};

const Data = struct {
    /// Where it begins.
    at: usize,
    /// Its rows, once it is known whose they are.
    filled: ?values.Filled = null,
};

fn one(plan: *Plan, source: *Source) Error!Tensor {
    const reader = &source.json;
    var found = Members{};
    try reader.take('{');
    while (true) {
        try member(plan, source, &found);
        if (!try reader.more('}')) break;
    }
    const number = found.number orelse return error.NotPlain;
    const input = &plan.inputs[number];
    const datatype = found.datatype orelse return error.NotPlain;
    if (!std.mem.eql(u8, datatype, @tagName(input.datatype))) return error.NotPlain;
    const shape = found.shape orelse return error.NotPlain;
    const filled = if (found.bytes) |size|
        try taken(plan, input, source, size, &found, shape)
    else
        try listed(plan, input, reader, found.data orelse return error.NotPlain);
    if (!fits(shape, input.width, filled)) return error.NotPlain;
    return .{ .number = number, .rows = filled.rows };
}

/// The rows of a list, which is read now if it came before the tensor's name.
fn listed(plan: *Plan, input: *Input, reader: *const Reader, data: Data) Error!values.Filled {
    if (data.filled) |filled| return filled;
    var again = Reader{ .text = reader.text, .at = data.at };
    return values.fill(plan, input, &again);
}

/// The rows of a tensor as bytes, the next that no other has taken.
fn taken(
    plan: *Plan,
    input: *Input,
    source: *Source,
    size: usize,
    found: *const Members,
    shape: Shape,
) Error!values.Filled {
    const rest = source.bytes orelse return error.NotPlain;
    const rows = shape.sizes[0];
    if (found.data != null or size > rest.len) return error.NotPlain;
    if (rows == 0 or rows > @min(plan.rows, plan.room - plan.first)) return error.NotPlain;
    try binary.fill(input, plan.first, rows, rest[0..size]);
    source.bytes = rest[size..];
    return .{ .rows = rows, .nested = false };
}

fn member(plan: *Plan, source: *Source, found: *Members) Error!void {
    const reader = &source.json;
    const called = try reader.name();
    if (std.mem.eql(u8, called, "data") and found.data == null) {
        const at = reader.at;
        if (found.number) |number| {
            const filled = try values.fill(plan, &plan.inputs[number], reader);
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
    } else if (std.mem.eql(u8, called, "parameters") and found.bytes == null) {
        found.bytes = try onlySize(reader);
    } else return error.NotPlain;
}

/// The parameters of a tensor that comes as bytes.
fn onlySize(reader: *Reader) Error!usize {
    try reader.take('{');
    if (!std.mem.eql(u8, try reader.name(), "binary_data_size")) return error.NotPlain;
    const found = try reader.size();
    try reader.take('}');
    return found;
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
fn fits(shape: Shape, width: usize, filled: values.Filled) bool {
    if (shape.sizes[0] != filled.rows) return false;
    if (shape.rank == 2) return shape.sizes[1] == width;
    return width == 1 and !filled.nested;
}
