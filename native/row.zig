//! Numbers of a list in JSON, as doubles: those of a block together, the others one by one.

const std = @import("std");
const Block = @import("block.zig");
const Reader = @import("reader.zig");
const decimal = @import("decimal.zig");

const Error = Reader.Error;

/// Numbers of a list from which blocks are faster.
pub const least = 5;

/// The last bytes of a text, and nothing behind them.
const Brink = [decimal.before + Block.size]u8;

/// Reads as many numbers as there is room for, or fewer where the list ends before, up to the byte
/// behind the last; how many.
pub fn read(reader: *Reader, row: []f64) Error!usize {
    // a copy that nobody else holds stays in registers
    var own = reader.*;
    var brink: Brink = undefined;
    var count = try some(&own, &brink, row);
    while (count < row.len and try own.peek() == ',') {
        own.at += 1;
        count += try some(&own, &brink, row[count..]);
    }
    reader.* = own;
    return count;
}

/// Reads some of the numbers that are wanted; how many.
inline fn some(reader: *Reader, brink: *Brink, rest: []f64) Error!usize {
    if (reader.at < decimal.before) return singly(reader, rest);
    const base = window(reader, brink);
    var block = Block.read(base[0..Block.size]) orelse return singly(reader, rest);
    if (block.long) return taken(true, true, reader, &block, base, rest);
    if (block.signs != 0) return taken(false, true, reader, &block, base, rest);
    return taken(false, false, reader, &block, base, rest);
}

inline fn taken(
    comptime long: bool,
    comptime signed: bool,
    reader: *Reader,
    block: *Block,
    base: [*]const u8,
    rest: []f64,
) Error!usize {
    var count: usize = 0;
    while (true) {
        const place = block.next(signed);
        rest.ptr[count] = if (long) try decimal.long(base, place) else decimal.short(base, place);
        count +%= 1;
        if (block.ends == 0 or count == rest.len) {
            reader.at +%= place.end;
            return count;
        }
    }
}

/// Where the next bytes lie, with some before them: a copy of them where the text ends too early.
inline fn window(reader: *const Reader, brink: *Brink) [*]const u8 {
    if (reader.text.len - reader.at >= Block.size) return reader.text.ptr + reader.at;
    const left = reader.text[reader.at - decimal.before ..];
    @memset(brink, 0);
    @memcpy(brink[0..left.len], left);
    return brink[decimal.before..];
}

/// Reads the numbers that begin in the next bytes one by one.
noinline fn singly(reader: *Reader, rest: []f64) Error!usize {
    const until = reader.at + Block.size;
    var count: usize = 0;
    while (true) {
        rest[count] = try reader.float();
        count += 1;
        if (count == rest.len or reader.at >= until) return count;
        if (try reader.peek() != ',') return count;
        reader.at += 1;
    }
}

/// The same, each number by itself.
fn slowly(reader: *Reader, row: []f64) Error!usize {
    for (row, 0..) |*value, number| {
        if (number > 0) {
            if (try reader.peek() != ',') return number;
            reader.at += 1;
        }
        value.* = try reader.float();
    }
    return row.len;
}

/// Expects that a text is read alike in both ways, or in neither; how many numbers it has, 0 where
/// it is not read, or what follows is no part of a list.
fn expectAlike(text: []const u8, room: usize) !usize {
    var row: [40]f64 = undefined;
    var alone: [40]f64 = undefined;
    var reader = Reader{ .text = text, .at = head.len };
    var other = reader;
    const wanted = slowly(&other, alone[0..room]) catch 0;
    const found = read(&reader, row[0..room]) catch 0;
    try std.testing.expectEqual(wanted, found);
    if (found == 0) return 0;
    try std.testing.expectEqual(other.at, reader.at);
    const mine: []const u64 = @ptrCast(row[0..found]);
    try std.testing.expectEqualSlices(u64, @ptrCast(alone[0..found]), mine);
    const next = reader.peek() catch return 0;
    return if (next == ',' or next == ']') found else 0;
}

const blanks: [90]u8 = @splat(' ');

const head = "{\"inputs\":[{\"data\":     [";

/// A number as some client may write it.
fn spelled(dice: std.Random, out: []u8) ![]const u8 {
    const whole = dice.int(u64) >> @intCast(dice.uintAtMost(u6, 63));
    const part = dice.int(u64) >> @intCast(dice.uintAtMost(u6, 63));
    const sign = if (dice.boolean()) "-" else "";
    return switch (dice.uintLessThan(u8, 6)) {
        0 => std.fmt.bufPrint(out, "{s}{d}", .{ sign, whole }),
        1 => std.fmt.bufPrint(out, "{s}{d}.{d}", .{ sign, whole % 100, part }),
        2 => std.fmt.bufPrint(out, "{s}{d}.{d}", .{ sign, whole, part % 1000 }),
        3 => std.fmt.bufPrint(out, "{s}0.{d:0>5}", .{ sign, part }),
        4 => std.fmt.bufPrint(out, "{s}{d}.{d}e{d}", .{ sign, whole % 10, part, whole % 300 }),
        else => std.fmt.bufPrint(out, "{d}.0", .{whole % 20}),
    };
}

test "rows are read as their numbers are read one by one" {
    var source = std.Random.DefaultPrng.init(5);
    const dice = source.random();
    var text: [2048]u8 = undefined;
    var number: [64]u8 = undefined;
    var good: usize = 0;
    for (0..20_000) |_| {
        var writer = std.Io.Writer.fixed(&text);
        const count = dice.uintAtMost(usize, 30) + 1;
        try writer.writeAll(head);
        for (0..count) |place| {
            if (place > 0) try writer.writeAll(if (dice.uintLessThan(u8, 9) > 0) ", " else ",");
            try writer.writeAll(try spelled(dice, &number));
        }
        if (dice.boolean()) try writer.writeAll(", 7");
        try writer.writeAll("]");
        if (dice.boolean()) try writer.splatByteAll(' ', 80);
        const made = writer.buffered();
        good += @intFromBool(try expectAlike(made, count) == count);
        // the same, damaged
        const at = head.len + dice.uintLessThan(usize, made.len - head.len);
        const marks = "0123456789.,- eE+]\n[";
        made[at] = marks[dice.uintLessThan(usize, marks.len)];
        _ = try expectAlike(made, count + 1);
    }
    try std.testing.expect(good > 10_000);
}

const ends = .{ "]", "]}]}", "]" ++ blanks };

test "forms of a row are read to the last bit" {
    inline for (.{
        "0.0, 13.0, 5.0, 16.0",
        "0,13,5,16",
        "-1.5e-3, 2E+4, 1e-05, 7",
        "0.12345678, 12345678.5, 99999999.99, 0",
        "1,2.5,-3.25,-0.0",
        "0.30000001192092896, -1.7976931348623157, 5e-324, 1",
        " 1, 2, 3, 4",
        "1 , 2 ,3,4",
        "1,  2,\n3,4",
        "12345678.12345678, 1.5, 2.5, 3.5",
        "1234567, 8, 9, 1e22",
        "123456789012345678, 0.000000000000000000001, 1.0, 2.0",
    }) |text| {
        inline for (ends) |end| {
            try std.testing.expectEqual(4, try expectAlike(head ++ text ++ end, 5));
        }
    }
}

test "what is no row of numbers is none" {
    inline for (.{
        "01, 2, 3, 4",    "-0, 2, 3, 4",  "1., 2, 3, 4",   ".5, 2, 3, 4",
        "1.2.3, 2, 3, 4", "1, , 3, 4",    "1 2, 3, 4, 5",  "1,2 3,4",
        "--1, 2, 3, 4",   "1-, 2, 3, 4",  "+1, 2, 3, 4",   "1, 2; 3, 4",
        "1, 2, 3, -",     "-.5, 2, 3, 4", "1.-5, 2, 3, 4", "-01.5, 2, 3, 4",
        "1, 2, 3,",       "",
    }) |text| {
        inline for (ends) |end| {
            try std.testing.expectEqual(0, try expectAlike(head ++ text ++ end, 5));
        }
    }
}
