//! The beginnings of requests whose rest has not come yet, kept by the client's file.

const std = @import("std");

/// Requests that are kept at a time.
const most = 32;

/// Bytes of one.
pub const longest = 1 << 16;

/// What a place without a client has for a file.
const nobody = std.math.maxInt(u32);

pub const Stash = struct {
    files: [most]u32,
    lengths: [most]u32,
    kept: usize,
    bytes: [most][longest]u8,

    pub fn clear(self: *Stash) void {
        self.files = @splat(nobody);
        self.kept = 0;
    }

    /// The place of what a client began; null where it began nothing.
    pub fn find(self: *const Stash, file: u32) ?usize {
        if (self.kept == 0) return null;
        return std.mem.indexOfScalar(u32, &self.files, file);
    }

    /// What was begun at a place.
    pub fn at(self: *const Stash, place: usize) []const u8 {
        return self.bytes[place][0..self.lengths[place]];
    }

    /// The memory of what is to follow there.
    pub fn rest(self: *Stash, place: usize) []u8 {
        return self.bytes[place][self.lengths[place]..];
    }

    /// Keeps what a client began; false where there is no place for it.
    pub fn keep(self: *Stash, file: u32, begun: []const u8) bool {
        const place = std.mem.indexOfScalar(u32, &self.files, nobody) orelse return false;
        if (begun.len >= longest) return false;
        @memcpy(self.bytes[place][0..begun.len], begun);
        self.lengths[place] = @intCast(begun.len);
        self.files[place] = file;
        self.kept += 1;
        return true;
    }

    /// Frees a place.
    pub fn drop(self: *Stash, place: usize) void {
        self.files[place] = nobody;
        self.kept -= 1;
    }
};

test "what was begun is found again until it is dropped" {
    const stash = try std.testing.allocator.create(Stash);
    defer std.testing.allocator.destroy(stash);
    stash.clear();
    for (0..most) |file| try std.testing.expect(stash.keep(@intCast(file), "abc"[0 .. file % 4]));
    try std.testing.expect(!stash.keep(99, "a"));
    try std.testing.expectEqual(null, stash.find(99));
    const place = stash.find(6).?;
    try std.testing.expectEqualStrings("ab", stash.at(place));
    stash.rest(place)[0] = 'c';
    stash.lengths[place] += 1;
    try std.testing.expectEqualStrings("abc", stash.at(place));
    stash.drop(place);
    try std.testing.expectEqual(null, stash.find(6));
    try std.testing.expect(stash.keep(99, "a"));
}
