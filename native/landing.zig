//! Where a request is received: in one piece of memory, but for the bytes of a tensor, which come
//! straight to where the model is asked from if they are as long and lie where the last ones did.

const std = @import("std");

const linux = std.os.linux;

/// When a client was last here, and how the last of its requests was divided that had a tensor in
/// bytes: how much was before them, and how many they were. Python has the memory.
pub const Seen = extern struct {
    since: f64,
    split: u32,
    bytes: u32,

    /// Where the next request is received, if it is as the last one was: its bytes in the `tensor`.
    pub fn landing(self: Seen, memory: []u8, tensor: []u8) Landing {
        const apart = self.bytes > 0 and self.bytes <= tensor.len;
        if (!apart or self.split + self.bytes > memory.len) return .{ .memory = memory };
        return .{ .memory = memory, .apart = tensor[0..self.bytes], .at = self.split };
    }
};

pub const Landing = struct {
    /// Room for all of it.
    memory: []u8,
    /// The part of it that lies apart, and where in the memory it would lie; empty for none.
    apart: []u8 = &.{},
    at: usize = 0,

    /// Receives behind the first `begun` bytes; what the kernel says.
    pub fn receive(self: Landing, file: u32, begun: usize) usize {
        const fd: i32 = @intCast(file);
        const flags = linux.MSG.DONTWAIT;
        if (self.apart.len == 0) {
            const rest = self.memory[begun..];
            return linux.recvfrom(fd, rest.ptr, rest.len, flags, null, null);
        }
        const behind = self.memory[self.at + self.apart.len ..];
        var parts = [_]std.posix.iovec{
            .{ .base = self.memory.ptr, .len = self.at },
            .{ .base = self.apart.ptr, .len = self.apart.len },
            .{ .base = behind.ptr, .len = behind.len },
        };
        var message = linux.msghdr{
            .name = null,
            .namelen = 0,
            .iov = &parts,
            .iovlen = parts.len,
            .control = null,
            .controllen = 0,
            .flags = 0,
        };
        return linux.recvmsg(fd, &message, flags);
    }

    /// Whether so many bytes end with what lies apart.
    pub fn fits(self: Landing, length: usize) bool {
        return self.apart.len > 0 and length == self.at + self.apart.len;
    }

    /// So many bytes in one piece.
    pub fn whole(self: Landing, length: usize) []u8 {
        if (self.apart.len > 0 and length > self.at) {
            const apart = self.apart[0..@min(self.apart.len, length - self.at)];
            @memcpy(self.memory[self.at..][0..apart.len], apart);
        }
        return self.memory[0..length];
    }
};

test "what lies apart is put back where it belongs" {
    const text = "a head, and bytes that follow";
    for ([_]usize{ 0, 5, 13, 14, 19, 20, text.len }) |length| {
        var memory: [64]u8 = @splat('.');
        var apart: [6]u8 = @splat('.');
        const seen = Seen{ .since = 0, .split = 13, .bytes = 6 };
        const landing = seen.landing(&memory, &apart);
        var files: [2]i32 = undefined;
        const made = linux.socketpair(linux.AF.UNIX, linux.SOCK.STREAM, 0, &files);
        try std.testing.expectEqual(0, made);
        defer for (files) |file| {
            _ = linux.close(file);
        };
        _ = linux.write(files[1], text, length);
        _ = linux.shutdown(files[1], linux.SHUT.WR);
        try std.testing.expectEqual(length, landing.receive(@intCast(files[0]), 0));
        try std.testing.expectEqual(length == 19, landing.fits(length));
        try std.testing.expectEqualStrings(text[0..length], landing.whole(length));
    }
}
