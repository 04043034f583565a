//! The level of a processor: what it has beyond all of its kind.

const builtin = @import("builtin");
const std = @import("std");

/// What one question to a processor is answered.
const Leaf = struct { b: u32 = 0, c: u32 = 0 };

/// Answers that tell the level.
const Told = struct {
    /// Leaf 1, leaf 7 and leaf 0x80000001 of the instruction CPUID.
    first: Leaf = .{},
    seventh: Leaf = .{},
    extended: Leaf = .{},
    /// Which registers the system keeps for a program.
    kept: u32 = 0,
};

/// FMA, CMPXCHG16B, MOVBE, OSXSAVE, AVX and F16C, after SSE3, SSSE3, SSE4.1, SSE4.2 and POPCNT
const first_wanted = bits(.{ 0, 9, 12, 13, 19, 20, 22, 23, 27, 28, 29 });
/// BMI1, AVX2 and BMI2
const seventh_wanted = bits(.{ 3, 5, 8 });
/// LAHF and LZCNT
const extended_wanted = bits(.{ 0, 5 });
/// those of SSE and of AVX
const kept_wanted = bits(.{ 1, 2 });
/// whether the system tells which registers it keeps
const tells_kept = bits(.{27});

/// 1 for x86-64-v3 or more, else 0: System V Application Binary Interface, AMD64 Architecture
/// Processor Supplement, section 3.1.1; Intel's manual, volume 1, section 14.3, on the system.
pub fn level() u32 {
    if (builtin.cpu.arch != .x86_64) return 0;
    if (ask(0).a < 7 or ask(0x80000000).a < 0x80000001) return 0;
    var told = Told{
        .first = ask(1).leaf(),
        .seventh = ask(7).leaf(),
        .extended = ask(0x80000001).leaf(),
    };
    if (told.first.c & tells_kept != 0) told.kept = kept();
    return of(told);
}

fn of(told: Told) u32 {
    return @intFromBool(has(told.first.c, first_wanted) and
        has(told.seventh.b, seventh_wanted) and
        has(told.extended.c, extended_wanted) and
        has(told.kept, kept_wanted));
}

fn has(found: u32, wanted: u32) bool {
    return found & wanted == wanted;
}

fn bits(comptime places: anytype) u32 {
    var found: u32 = 0;
    for (places) |place| found |= 1 << place;
    return found;
}

const Answer = struct {
    a: u32,
    b: u32,
    c: u32,

    fn leaf(self: Answer) Leaf {
        return .{ .b = self.b, .c = self.c };
    }
};

fn ask(number: u32) Answer {
    var a: u32 = undefined;
    var b: u32 = undefined;
    var c: u32 = undefined;
    asm volatile ("cpuid"
        : [a] "={eax}" (a),
          [b] "={ebx}" (b),
          [c] "={ecx}" (c),
        : [number] "{eax}" (number),
          [part] "{ecx}" (0),
        : .{ .edx = true });
    return .{ .a = a, .b = b, .c = c };
}

fn kept() u32 {
    return asm volatile ("xgetbv"
        : [low] "={eax}" (-> u32),
        : [number] "{ecx}" (0),
        : .{ .edx = true });
}

const whole = Told{
    .first = .{ .c = first_wanted },
    .seventh = .{ .b = seventh_wanted },
    .extended = .{ .c = extended_wanted },
    .kept = kept_wanted,
};

test "a processor that lacks anything has not the level" {
    try std.testing.expectEqual(1, of(whole));
    for (0..32) |place| {
        const bit = @as(u32, 1) << @intCast(place);
        inline for (.{
            .{ "first", "c", first_wanted },
            .{ "seventh", "b", seventh_wanted },
            .{ "extended", "c", extended_wanted },
        }) |one| {
            var told = whole;
            @field(@field(told, one[0]), one[1]) &= ~bit;
            try std.testing.expectEqual(one[2] & bit == 0, of(told) == 1);
        }
        var told = whole;
        told.kept &= ~bit;
        try std.testing.expectEqual(kept_wanted & bit == 0, of(told) == 1);
    }
}

test "code that is compiled for the level runs where it is told" {
    if (builtin.cpu.arch != .x86_64) return;
    const features = builtin.cpu.features;
    if (std.Target.x86.featureSetHas(features, .avx2)) try std.testing.expectEqual(1, level());
}
