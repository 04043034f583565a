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

    /// The head of an answer with an id.
    pub fn write(
        self: *const Kind,
        out: *[longest]u8,
        answer: writer.Answer,
        id: []const u8,
        date: []const u8,
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
        text.text(id);
        text.text("\r\n");
        if (self.packing != .unasked and answer.length > self.small) {
            text.text("vary: accept-encoding\r\n");
        }
        text.text(date);
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
    try std.testing.expectEqualStrings(
        "A\r\nx-request-id: i\r\ndate: d\r\ncontent-length: 12\r\n\r\n",
        kind.write(&out, .{ .length = 12, .json = 0 }, "i", "date: d\r\n"),
    );
    kind.packing = .unwanted;
    try std.testing.expectEqualStrings(
        "B\r\ninference-header-content-length: 7\r\nx-request-id: i\r\nvary: accept-encoding\r\n" ++
            "date: d\r\ncontent-length: 12\r\n\r\n",
        kind.write(&out, .{ .length = 12, .json = 7 }, "i", "date: d\r\n"),
    );
    try std.testing.expect(!kind.packs(12));
    kind.packing = .wanted;
    try std.testing.expect(kind.packs(10) and !kind.packs(9));
}

test "a beginning that is too long is none" {
    try std.testing.expectEqual(null, Begun.of(&@as([longest_begun + 1]u8, @splat('a'))));
}
