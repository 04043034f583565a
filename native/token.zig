//! Random names of hexadecimal digits that nobody can guess.

const std = @import("std");

const linux = std.os.linux;

pub const Error = error{NotPlain};

/// Whether a byte is one of the digits that names are made of.
pub inline fn isDigit(byte: u8) bool {
    return switch (byte) {
        '0'...'9', 'a'...'f' => true,
        else => false,
    };
}

/// Digits of a name: 80 bits.
pub const length = 20;

/// Randomness that is drawn from the kernel for many names at once. Not to be shared with a process
/// that is forked off.
pub const Stock = struct {
    digits: [50 * length]u8 = undefined,
    left: usize = 0,

    /// Writes a name to the beginning of `out`; its length. Fails where there is no randomness.
    pub fn next(self: *Stock, out: []u8) Error!u32 {
        if (self.left == 0) try self.draw();
        self.left -= length;
        @memcpy(out[0..length], self.digits[self.left..][0..length]);
        return length;
    }

    fn draw(self: *Stock) Error!void {
        var bytes: [25 * length]u8 = undefined;
        // up to 256 bytes come whole
        inline for (.{ 0, bytes.len / 2 }) |at| {
            const half = bytes[at..][0 .. bytes.len / 2];
            if (linux.getrandom(half.ptr, half.len, 0) != half.len) return error.NotPlain;
        }
        self.digits = std.fmt.bytesToHex(bytes, .lower);
        self.left = self.digits.len;
    }
};

test "names are not repeated" {
    var stock = Stock{};
    var names: [120][length]u8 = undefined;
    for (&names, 0..) |*name, number| {
        try std.testing.expectEqual(length, try stock.next(name));
        for (names[0..number]) |other| try std.testing.expect(!std.mem.eql(u8, name, &other));
        for (name) |digit| _ = try std.fmt.charToDigit(digit, 16);
    }
}
