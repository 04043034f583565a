//! What one model takes and gives, laid out once: where each tensor lies, what each column may
//! hold, which texts the answer is made of.

const std = @import("std");

/// The datatypes of the Open Inference Protocol that are served.
pub const Datatype = enum {
    BOOL,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    INT8,
    INT16,
    INT32,
    INT64,
    FP32,
    FP64,

    /// How one value lies in memory.
    pub fn Held(comptime self: Datatype) type {
        return switch (self) {
            .BOOL, .UINT8 => u8,
            .UINT16 => u16,
            .UINT32 => u32,
            .UINT64 => u64,
            .INT8 => i8,
            .INT16 => i16,
            .INT32 => i32,
            .INT64 => i64,
            .FP32 => f32,
            .FP64 => f64,
        };
    }

    /// The type that a column's bounds have, and its values before they are rounded.
    pub fn Wide(comptime self: Datatype) type {
        return if (self == .FP32 or self == .FP64) f64 else i64;
    }

    /// A bound as the tensor's own type holds it; null for one that it cannot hold.
    pub fn edge(comptime self: Datatype, bound: self.Wide()) ?self.Held() {
        if (self.Wide() == f64) return @floatCast(bound);
        return std.math.cast(self.Held(), bound);
    }

    pub fn bytes(self: Datatype) usize {
        return switch (self) {
            inline else => |known| @sizeOf(known.Held()),
        };
    }
};

/// What the values of a column are: any of its tensor's, whole numbers, or 0 and 1.
pub const Kind = enum { any, whole, truth };

/// A column: the range that the training data held, both ends included.
pub fn Column(comptime Wide: type) type {
    return struct { low: Wide, high: Wide, kind: Kind = .any, nullable: bool = false };
}

pub const Columns = union(enum) {
    real: []const Column(f64),
    whole: []const Column(i64),

    pub fn of(self: Columns, comptime Wide: type) []const Column(Wide) {
        return if (Wide == f64) self.real else self.whole;
    }
};

pub const Input = struct {
    name: []const u8,
    datatype: Datatype,
    width: usize,
    columns: Columns,
    /// Whether each column takes any number of its range, and no null.
    even: bool,
    /// The lowest value of each column and then the highest, as the tensor holds them; nothing
    /// where columns are uneven.
    edges: []align(64) u8,
    /// The same for numbers that are read from JSON, which are not rounded yet; nothing where
    /// columns are uneven, and for whole numbers.
    wide: ?Doubles,
    /// The tensor's own memory: as many rows as there is room for, in C order.
    memory: []align(64) u8,

    /// Bytes of a row.
    pub fn row(self: *const Input) usize {
        return self.width * self.datatype.bytes();
    }

    /// The memory of the rows from `first` on.
    pub fn rows(self: *const Input, first: usize) []u8 {
        return self.memory[first * self.row() ..];
    }
};

/// Some rows of doubles, and the bounds of each.
pub const Doubles = struct { values: []f64, low: []f64, high: []f64 };

/// Doubles that are worth reading together.
const together = 128;

pub const Output = struct {
    name: []const u8,
    datatype: Datatype,
    /// Values a row.
    width: usize,
    /// The answer's text before the number of rows in this output's shape, and behind it up to the
    /// member that tells of its values.
    before: []const u8,
    behind: []const u8,

    /// Bytes of a row.
    pub fn row(self: *const Output) usize {
        return self.width * self.datatype.bytes();
    }
};

/// What Python says of a model.
const Spec = struct {
    inputs: []const SpecInput,
    outputs: []const Output,
    head: []const u8,
    middle: []const u8,
    tail: []const u8,
    rows: usize,
    room: usize,
};

const SpecInput = struct {
    name: []const u8,
    datatype: Datatype,
    real: ?[]const Column(f64) = null,
    whole: ?[]const Column(i64) = null,
};

pub const id_length = 128;

pub const Plan = struct {
    inputs: []Input,
    outputs: []const Output,
    /// The answer's text before the id, between the id and the outputs, and behind these.
    head: []const u8,
    middle: []const u8,
    tail: []const u8,
    /// The most rows of a request.
    rows: usize,
    /// The rows of several requests that the tensors have room for.
    room: usize,
    /// Where the rows of the request that is being read begin.
    first: usize = 0,
    /// The id that the last request gave, if it gave one.
    id: [id_length]u8,
    /// Where the answer is written: room for the longest.
    out: []align(64) u8,

    /// Bytes of the longest answer to so many rows.
    pub fn longest(self: *const Plan, rows: usize) usize {
        var most = self.head.len + self.middle.len + self.tail.len + id_length;
        for (self.outputs) |output| {
            most += output.before.len + output.behind.len + member_length + value_length;
            most += rows * output.width * value_length;
        }
        return most;
    }
};

/// Bytes that the member with an output's values may take without them.
const member_length = 64;

/// Bytes that a number in an answer may take, while it is written.
pub const value_length = 40;

/// Lays a plan out in memory that others own. Fails for a spec that is not served, and where the
/// memory is too small.
pub fn made(memory: []u8, text: []const u8) !*Plan {
    var fixed = std.heap.FixedBufferAllocator.init(memory);
    const allocator = fixed.allocator();
    const spec = try std.json.parseFromSliceLeaky(Spec, allocator, text, .{
        .allocate = .alloc_always,
    });
    if (spec.rows == 0 or spec.rows > spec.room or spec.inputs.len == 0) return error.Unserved;
    const plan = try allocator.create(Plan);
    plan.* = .{
        .inputs = try allocator.alloc(Input, spec.inputs.len),
        .outputs = spec.outputs,
        .head = spec.head,
        .middle = spec.middle,
        .tail = spec.tail,
        .rows = spec.rows,
        .room = spec.room,
        .id = @splat(0),
        .out = &.{},
    };
    for (plan.inputs, spec.inputs) |*input, told| input.* = try laid(allocator, told, spec.room);
    plan.out = try untouched(allocator, plan.longest(spec.rows));
    return plan;
}

fn laid(allocator: std.mem.Allocator, told: SpecInput, rows: usize) !Input {
    const columns: Columns = switch (told.datatype) {
        .FP32, .FP64 => .{ .real = told.real orelse return error.Unserved },
        else => .{ .whole = told.whole orelse return error.Unserved },
    };
    const width = switch (columns) {
        inline else => |list| list.len,
    };
    if (width == 0) return error.Unserved;
    const size = try std.math.mul(usize, rows * width, told.datatype.bytes());
    const even = switch (columns) {
        inline else => |list| alike(list),
    };
    return .{
        .name = told.name,
        .datatype = told.datatype,
        .width = width,
        .columns = columns,
        .even = even,
        .wide = if (even and columns == .real) try widened(allocator, columns.real) else null,
        .edges = if (even) try edged(allocator, told.datatype, columns) else &.{},
        .memory = try untouched(allocator, size),
    };
}

/// Memory as it is. In a safe build an allocator writes to all that it hands out, and a page takes
/// memory once it is written to: most of this room is never used.
fn untouched(allocator: std.mem.Allocator, size: usize) ![]align(64) u8 {
    const found = allocator.rawAlloc(size, .@"64", @returnAddress()) orelse
        return error.OutOfMemory;
    return @as([*]align(64) u8, @alignCast(found))[0..size];
}

fn alike(columns: anytype) bool {
    for (columns) |column| {
        if (column.kind != .any or column.nullable) return false;
    }
    return true;
}

fn widened(allocator: std.mem.Allocator, columns: []const Column(f64)) !Doubles {
    const count = @max(1, together / columns.len) * columns.len;
    const wide = Doubles{
        .values = try allocator.alloc(f64, count),
        .low = try allocator.alloc(f64, count),
        .high = try allocator.alloc(f64, count),
    };
    for (wide.low, wide.high, 0..) |*low, *high, number| {
        const column = columns[number % columns.len];
        low.* = column.low;
        high.* = column.high;
    }
    return wide;
}

fn edged(allocator: std.mem.Allocator, datatype: Datatype, columns: Columns) ![]align(64) u8 {
    switch (datatype) {
        inline else => |known| {
            const list = columns.of(known.Wide());
            const memory = try allocator.alignedAlloc(u8, .@"64", 2 * list.len * known.bytes());
            const edges: []known.Held() = @ptrCast(memory);
            for (list, 0..) |column, number| {
                edges[number] = known.edge(column.low) orelse return error.Unserved;
                edges[list.len + number] = known.edge(column.high) orelse return error.Unserved;
            }
            return memory;
        },
    }
}
