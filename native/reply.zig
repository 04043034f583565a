//! The head of an answer; what is the same in all to one kind of request is put together before.

const std = @import("std");
const heads = @import("head.zig");
const writer = @import("writer.zig");

/// Bytes of the longest beginning.
pub const longest_begun = 768;

/// Bytes of the longest line that tells the date.
pub const longest_date = 64;

/// Bytes of the longest head.
pub const longest = longest_begun + longest_date + heads.id_length + 256;

/// How answers that are large are told and sent: as small ones, or with a field that says that
/// other clients may get other bytes, or packed by others.
pub const Packing = enum(u32) { unasked, unwanted, wanted };

pub const Begun = struct {
    bytes: [longest_begun]u8 = undefined,
    length: usize = 0,

    pub fn of(text: []const u8) ?Begun {
        if (text.len > longest_begun) return null;
        var found = Begun{ .length = text.len };
        @memcpy(found.bytes[0..text.len], text);
        return found;
    }
};

/// What an answer's head tells of the request; its line with the date.
pub const Told = struct { id: []const u8, trace: ?Trace = null, date: []const u8 };

/// The trace that an answer is part of, and its own place there.
pub const Trace = struct { id: *const [32]u8, span: *const [16]u8, flags: *const [2]u8 };

pub const Kind = struct {
    /// What heads begin with where the answer is JSON, and where tensors follow it.
    json: Begun,
    binary: Begun,
    packing: Packing,
    /// Bytes of an answer up to which it is small.
    small: usize,

    /// Whether an answer of so many bytes is to be packed.
    pub fn packs(self: *const Kind, length: usize) bool {
        return self.packing == .wanted and length > self.small;
    }

    /// The head of an answer.
    pub fn write(
        self: *const Kind,
        out: *[longest]u8,
        answer: writer.Answer,
        told: Told,
    ) []const u8 {
        var text = writer.Writer{ .out = out };
        const begun = if (answer.json > 0) &self.binary else &self.json;
        text.text(begun.bytes[0..begun.length]);
        if (answer.json > 0) {
            text.text("inference-header-content-length: ");
            text.number(answer.json);
            text.text("\r\n");
        }
        text.text("x-request-id: ");
        text.text(told.id);
        text.text("\r\n");
        if (told.trace) |trace| {
            for ([_][]const u8{ "traceresponse: 00-", trace.id, "-", trace.span, "-" }) |piece| {
                text.text(piece);
            }
            text.text(trace.flags);
            text.text("\r\n");
        }
        if (self.packing != .unasked and answer.length > self.small) {
            text.text("vary: accept-encoding\r\n");
        }
        text.text(told.date);
        text.text("content-length: ");
        text.number(answer.length);
        text.text("\r\n\r\n");
        return out[0..text.at];
    }
};

test "a head has the fields of its answer" {
    var out: [longest]u8 = undefined;
    var kind = Kind{
        .json = Begun.of("A\r\n").?,
        .binary = Begun.of("B\r\n").?,
        .packing = .unasked,
        .small = 9,
    };
    var told = Told{ .id = "i", .date = "date: d\r\n" };
    try std.testing.expectEqualStrings(
        "A\r\nx-request-id: i\r\ndate: d\r\ncontent-length: 12\r\n\r\n",
        kind.write(&out, .{ .length = 12, .json = 0 }, told),
    );
    kind.packing = .unwanted;
    try std.testing.expectEqualStrings(
        "B\r\ninference-header-content-length: 7\r\nx-request-id: i\r\nvary: accept-encoding\r\n" ++
            "date: d\r\ncontent-length: 12\r\n\r\n",
        kind.write(&out, .{ .length = 12, .json = 7 }, told),
    );
    told.trace = .{ .id = &@splat('a'), .span = &@splat('b'), .flags = "01" };
    kind.packing = .unasked;
    const traced = "00-" ++ @as([32]u8, @splat('a')) ++ "-" ++ @as([16]u8, @splat('b')) ++ "-01";
    try std.testing.expectEqualStrings(
        "A\r\nx-request-id: i\r\ntraceresponse: " ++ traced ++
            "\r\ndate: d\r\ncontent-length: 12\r\n\r\n",
        kind.write(&out, .{ .length = 12, .json = 0 }, told),
    );
    kind.packing = .unwanted;
    try std.testing.expect(!kind.packs(12));
    kind.packing = .wanted;
    try std.testing.expect(kind.packs(10) and !kind.packs(9));
}

test "a beginning that is too long is none" {
    try std.testing.expectEqual(null, Begun.of(&@as([longest_begun + 1]u8, @splat('a'))));
}
